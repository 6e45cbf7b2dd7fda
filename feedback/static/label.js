// The page of one task: claims an item, shows it with its question, sends the answer and goes on. Nothing here knows why
// an item came, what others said, or which model wrote what.

import { Refusal, backOff, flushOutbox, pause, read, write } from "./api.js";
import { focusPage } from "./compose.js";
import { _ } from "./i18n.js";
import { isImeCommit, listenToKeys } from "./keys.js";
import { Drafts } from "./label_drafts.js";
import { KEYS, drawForm, questionWords } from "./label_kinds.js";
import { Guideline } from "./label_guideline.js";
import { make, sayValue, showMessages } from "./label_shown.js";
import { UnsentLabels, keepUnsent } from "./label_unsent.js";
import { Letters } from "./letters.js";
import { announce, explain, notice, part, showState } from "./notices.js";
import { person } from "./outbox.js";
import { showLocalTimes } from "./page.js";
import { timeOf } from "./thread.js";
import { wordsOf } from "./refusals.js";
import { dropKept, keepValue, readKept } from "./storage.js";

const { task: taskId, maxText } = part("labels").dataset;
const TASK = `/v1/tasks/${encodeURIComponent(taskId)}`;
const LAST = `label-last:${person}:${taskId}`; // the label that can be taken back, also from an earlier visit
const IN_PLACE = ["value_unknown", "text_too_long", "body_invalid", "text_not_storable", "too_many_requests"]; // mended in the form
const BEAT_MS = 60_000; // a claim lasts a quarter of an hour
const pathOf = (item) => `/v1/items/${encodeURIComponent(item.id)}`;

const letters = new Letters(part("letters"));
const drafts = new Drafts();
const unsent = new UnsentLabels({ listDrafts: () => drafts.listOthers(taskId, current?.item.id), onDiscard: (id) => drafts.drop(id) });
const guideline = new Guideline(taskId);

let task = { name: "" };
let current = null; // the item on the screen with its form, or null while none is
let isBusy = false; // so that a second key press during saving does nothing

/* Showing */

/** Reads until the service answers. */
async function readOn(path) {
  for (let failures = 0; ; failures += 1) {
    try {
      return await read(path);
    } catch (fault) {
      if (fault instanceof Refusal && fault.status < 500 && fault.status !== 429) throw fault;
      showState("retrying");
      await pause(backOff(failures, fault));
    }
  }
}

function showTask() {
  part("name").textContent = task.name;
  document.title = `${task.name} · Rejoinder`;
  if (!task.due_at) return;
  part("due").replaceChildren(_("Due:"), " ", timeOf(task.due_at));
  showLocalTimes(part("due"));
}

function showProgress({ done, left }) {
  part("progress").max = Math.max(1, done + left);
  part("progress").value = done;
  part("done").textContent = _("%(done)s done, %(left)s left", { done, left });
}

async function showNext() {
  const { item_id: itemId, ...progress } = await write(`${TASK}/next`, {}, { keep: false, onState: (state) => state !== "saved" && showState(state) });
  showState("");
  showProgress(progress);
  if (itemId) await showItem(itemId);
  else showNothing(_("Nothing is left for you here"), _("Thank you. More may come: look again later, or take another task."));
}

async function showItem(itemId) {
  const item = await readOn(`/v1/items/${encodeURIComponent(itemId)}`);
  current = { item, shownAt: performance.now() };
  showMessages(item.shown.messages);
  part("question").textContent = questionWords(item);
  guideline.show(item);
  showOthers(item);
  const hooks = { onChange: keepDraft, onSend: send, onAnswer: sendFields, maxText: Number(maxText) };
  current.form = drawForm(part("answer"), item, hooks);
  const draft = drafts.find(item);
  if (draft) current.form.restore(draft);
  showParts(true);
  part("messages").scrollTop = part("messages").scrollHeight; // the question is about the newest
  part("send").hidden = Boolean(current.form.isOnePress);
  for (const each of part("help").querySelectorAll("[data-keys]")) each.hidden = !each.dataset.keys.split(" ").some((key) => KEYS[item.kind].includes(key));
  part("labels").scrollTop = 0;
  focusPage();
  announce(_("The next one is shown."));
}

/** What two experts said of whom the third decides; nobody else gets any of it. */
function showOthers(item) {
  part("others").hidden = !item.others;
  part("others-list").replaceChildren(...(item.others ?? []).map((value) => make("li", "", sayValue({ value }, item))));
}

function showNothing(words, more = "") {
  current = null;
  showParts(false);
  part("nothing-words").textContent = words;
  part("nothing-more").textContent = more;
  announce(words);
}

function showParts(isItem) {
  for (const name of ["item", "pass", "send"]) part(name).hidden = !isItem;
  part("actions").hidden = false;
  part("nothing").hidden = isItem;
  part("undo").disabled = !readKept(LAST);
  unsent.draw();
}

/* Answering */

/** What a text that is kept in the browser has to say of its item. */
function aboutItem({ id, question, order }) {
  return { name: task.name, question, order, item_id: id, task_id: taskId };
}

function keepDraft() {
  drafts.keep(current.item, aboutItem(current.item), current.form.fields);
}

/** One thing at a time; a refusal is said on the page. */
async function guard(work) {
  if (isBusy) return;
  isBusy = true;
  part("labels").setAttribute("aria-busy", "true");
  notice("");
  try {
    await work();
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    await recover(fault);
  } finally {
    showState("");
    isBusy = false;
    part("labels").removeAttribute("aria-busy");
  }
}

/** Says why something was refused and goes on to what can be labelled, unless the form can be mended. */
async function recover(fault) {
  explain(fault);
  if (current && IN_PLACE.includes(fault.code)) return;
  try {
    if (current) await showNext();
    else showRefused(fault);
  } catch (next) {
    if (!(next instanceof Refusal)) throw next;
    showRefused(next);
  }
}

/** Where the task gives nothing, the page says why. */
function showRefused(fault) {
  notice("");
  showNothing(wordsOf(fault));
}

function send() {
  const fields = current?.form.fields;
  if (fields) sendFields(fields);
  else if (current && !current.form.isOnePress) notice(_("Answer first, or pass."), "warn");
  else if (!current) guard(showNext);
}

function sendFields(fields) {
  if (!current) return;
  guard(async () => {
    const { item, shownAt } = current;
    const about = aboutItem(item);
    const told = { dwell_ms: Math.round(performance.now() - shownAt), occurred_at: new Date().toISOString() };
    const options = { about, onState: showState, onRefused: onLabelRefused };
    const answer = await write(`${pathOf(item)}/labels`, { ...fields, ...told }, options);
    onLabelled({ about, body: fields }, answer);
    await showNext();
    if (answer.late) notice(_("Kept. Others had finished this one meanwhile."));
  });
}

function onLabelled({ about, body }, answer) {
  drafts.drop(about.item_id);
  if (about.task_id === taskId) keepValue(LAST, { label_id: answer.label_id, item_id: about.item_id, value: body.value, text: body.text });
}

/** Before a refused label leaves the outbox: it is kept as not sent, unless the form still holds it. */
function onLabelRefused(entry, fault) {
  const { about } = entry;
  if (!about || (current?.item.id === about.item_id && IN_PLACE.includes(fault.code))) return;
  if (fault.code !== "item_labelled" || entry.body.text) keepUnsent(entry, fault);
  drafts.drop(about.item_id);
}

function pass() {
  if (!current) return;
  guard(async () => {
    const { item } = current;
    await write(`${pathOf(item)}/pass`, {}, { keep: false, onState: showState });
    drafts.drop(item.id);
    await showNext();
    announce(_("Passed. The next one is shown."));
  });
}

function undo() {
  const last = readKept(LAST);
  if (!last) return;
  guard(async () => {
    dropKept(LAST);
    const { progress } = await write(`/v1/labels/${encodeURIComponent(last.label_id)}/undo`, {}, { keep: false, onState: showState });
    showProgress(progress);
    await showItem(last.item_id);
    current.form.restore(last);
    if (!current.form.isOnePress) keepDraft();
    announce(_("Taken back."));
  });
}

/* Keys and buttons */

function toggleHelp() {
  const help = part("help");
  if (help.open) help.close();
  else help.showModal();
}

const COMMANDS = { s: pass, u: undo, g: () => guideline.toggle(), "?": toggleHelp };

listenToKeys({
  actOf: (key) => COMMANDS[key] ?? current?.form.letters[key],
  areLettersOn: () => letters.on,
  send,
  pressDigit: (digit) => current?.form.pressDigit(digit),
  isBlocked: () => document.querySelector("dialog[open]") !== null,
});

document.addEventListener("keydown", (event) => {
  if (isImeCommit(event) || event.repeat || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && event.target.matches("textarea, input[type=search]")) focusPage();
  const isPressed = event.target.closest("button, a, summary, textarea"); // which make of Enter what they do
  if (event.key !== "Enter" || isPressed || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  send();
});

part("send").addEventListener("click", send);
part("pass").addEventListener("click", pass);
part("undo").addEventListener("click", undo);
part("again").addEventListener("click", () => guard(showNext));
for (const button of document.querySelectorAll("[data-help]")) button.addEventListener("click", toggleHelp);
setInterval(() => current && !isBusy && !document.hidden && drafts.holdOn(current.item.id), BEAT_MS);

await guard(async () => {
  await flushOutbox((path, { token }) => !token && path.startsWith("/v1/items/"), { onState: showState, onAnswer: onLabelled, onRefused: onLabelRefused });
  task = await readOn(TASK);
  showTask();
  await showNext();
});
await unsent.forgetGone(); // after it: keys count as soon as an item is shown
