// The console: regions that refresh themselves, and buttons that call the HTTP API with an event id.

import { Refusal, write } from "./api.js";
import { reachScrolling, showLocalTimes } from "./page.js";
import { wordsOf } from "./refusals.js";
import { _ } from "./i18n.js";

const DOUBLE_MS = 1000;

/* <section data-live="/console/…" data-every="2"> is replaced by what that address answers until it says data-done.
   Then what is marked data-until-done leaves the page, and data-when-done shows. */
async function keepLive(region) {
  while (region.isConnected && !("done" in region.dataset)) {
    await new Promise((resolve) => setTimeout(resolve, Number(region.dataset.every || 2) * 1000));
    if (document.hidden) continue;
    try {
      const answer = await fetch(region.dataset.live, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (!answer.ok) continue;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
      if (!fresh) return;
      const [held, opened] = [findFocused(region), listOpen(region)];
      region.replaceChildren(...fresh.childNodes);
      for (const [place, details] of region.querySelectorAll("details").entries()) details.open = opened[place] ?? details.open;
      if (held >= 0) region.querySelectorAll("summary")[held]?.focus();
      if ("done" in fresh.dataset) end(region);
      showLocalTimes(region);
      reachScrolling(region);
    } catch {
      // The next turn of the loop tries again; the numbers on the page stay as they were.
    }
  }
}

function end(region) {
  region.dataset.done = "";
  for (const part of document.querySelectorAll("[data-until-done]")) {
    if (part.contains(document.activeElement)) document.querySelector("#main").focus();
    part.remove();
  }
  for (const part of document.querySelectorAll("[data-when-done]")) part.hidden = false;
}

/* Keeps open what somebody opened, and the focus, when its region is refreshed. */
const listOpen = (region) => [...region.querySelectorAll("details")].map((details) => details.open);
const findFocused = (region) => [...region.querySelectorAll("summary")].indexOf(document.activeElement);

function say(form, words, kind) {
  let line = form.querySelector("[data-said]");
  if (!line) {
    line = document.createElement("p");
    line.dataset.said = "";
    line.setAttribute("role", "status");
    form.append(line);
  }
  line.className = `note ${kind}`;
  line.textContent = words;
}

/* What a field says, as the API takes it: numbers as such, times with their zone. */
function valueOf(field, value) {
  if (field.type === "datetime-local") return new Date(value).toISOString();
  if ("json" in field.dataset) return JSON.parse(value);
  return field.type === "number" || "number" in field.dataset ? Number(value) : value;
}

/* The fields of a form: `question.text` lies in an object `question`, every `tags[]` in a list. */
function gather(form) {
  const fields = {};
  for (const [name, value] of new FormData(form)) {
    if (value === "" || name === "csrf_token") continue;
    const path = name.replace("[]", "").split(".");
    const holder = path.slice(0, -1).reduce((inside, step) => (inside[step] ??= {}), fields);
    const found = form.elements[name];
    const said = valueOf(found instanceof RadioNodeList ? found[0] : found, value);
    if (name.endsWith("[]")) (holder[path.at(-1)] ??= []).push(said);
    else holder[path.at(-1)] = said;
  }
  return fields;
}

/* <form data-action="/v1/…">: its fields go as JSON; then the page shows the new state. */
async function act(form) {
  const fields = gather(form);
  const button = form.querySelector("button");
  button.disabled = true;
  say(form, _("Working…"), "");
  try {
    const answer = await write(form.dataset.action, fields, { keep: false });
    const target = form.dataset.then;
    if (target) location.assign(target.replace(/\{(\w+)\}/g, (_whole, name) => encodeURIComponent(answer[name] ?? "")));
    else location.reload();
  } catch (fault) {
    button.disabled = false;
    if (!(fault instanceof Refusal)) throw fault;
    if (fault.code === "duel_over") location.reload(); // somebody else was faster: the page shows the result
    say(form, wordsOf(fault), "bad");
  }
}

/* A double click sends the form only once; a second answer would replace the first one's. */
function sendOnce(event) {
  const form = event.target;
  if ("sent" in form.dataset) event.preventDefault();
  form.dataset.sent = "";
  setTimeout(() => delete form.dataset.sent, DOUBLE_MS);
}

for (const region of document.querySelectorAll("[data-live]")) keepLive(region);
// The answer to a form has the page's own address, so that reloading it sends nothing.
const page = document.querySelector("[data-address]");
if (page) history.replaceState(null, "", page.dataset.address);
// Reloads a page that the browser restores from its cache, so that it shows later changes.
addEventListener("pageshow", (event) => event.persisted && location.reload());
document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-action]")) {
    event.preventDefault();
    act(event.target);
  } else if (event.target.method === "post") {
    sendOnce(event);
  }
});
document.addEventListener("change", (event) => {
  if (event.target.matches(".filters select")) event.target.form.requestSubmit();
});
document.dispatchEvent(new Event("listening")); // early.js hands over the forms that were sent before
