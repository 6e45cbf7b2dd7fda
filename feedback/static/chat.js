// The customer's own page. The visitor's token stands after # in the address, which browsers send to nobody, and in
// the browser's storage, so that coming back to /chat finds the conversation again. Knows messages and thumbs, nothing else.

import { Refusal, flushOutbox, follow, write } from "./api.js";
import { dropDraft, keepDraft, readDraft } from "./drafts.js";
import { isImeCommit } from "./keys.js";
import { wordsOf } from "./refusals.js";
import { dropKept, keepValue, readKept } from "./storage.js";
import { thumbsFor } from "./thumbs.js";
import { _ } from "./i18n.js";

const part = (name) => document.querySelector(`[data-part="${name}"]`);
const field = part("text");
const list = part("messages");
const isPublic = "public" in part("chat").dataset; // whether visitors may open conversations themselves
const visit = { id: null, token: null, lastId: null, stop: new AbortController(), shown: new Set(), thumbs: {}, sending: null };
const KEPT = "chat";
const BASE = "/chat";

function findVisit() {
  const id = part("chat").dataset.conversation;
  const token = decodeURIComponent(location.hash.slice(1));
  if (id && token) return { id, token };
  const kept = readKept(KEPT);
  return kept && (!id || kept.id === id) ? kept : null;
}

function enter({ id, token }) {
  Object.assign(visit, { id, token, thumbs: readThumbs(id) });
  keepValue(KEPT, { id, token });
  history.replaceState(null, "", `${BASE}/${id}#${encodeURIComponent(token)}`);
  part("greeting").hidden = true;
  part("again").hidden = !isPublic;
  part("erase").hidden = false;
  follow(nextMessages, showMessages, { token, signal: visit.stop.signal, onTrouble });
}

function leave() {
  visit.stop.abort();
  dropKept(KEPT);
  if (isPublic) {
    location.assign(BASE);
    return;
  } // there is no other conversation to go to
  list.replaceChildren();
  for (const name of ["form", "typing", "erase"]) part(name).hidden = true;
  part("trouble").hidden = false;
  part("trouble").textContent = _("This conversation is deleted.");
}

/** Everything of this conversation, here and on the server. Asks before: nobody can bring it back. */
async function erase() {
  if (!confirm(_("Delete this conversation for good? All messages and ratings in it are erased."))) return;
  part("erase").disabled = true;
  try {
    await write(`/v1/conversations/${visit.id}/erasure`, {}, { token: visit.token, keep: false });
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    if (fault.status !== 401) {
      part("erase").disabled = false;
      onTrouble(fault);
      return;
    } // the token opens nothing any more: an earlier try has erased it
  }
  dropKept(`thumbs:${visit.id}`);
  dropDraft(draftId());
  leave();
}

/* Messages */

function nextMessages() {
  const after = visit.lastId ? `?after=${encodeURIComponent(visit.lastId)}` : "";
  return `/v1/conversations/${visit.id}/messages${after}`;
}

function showMessages(answer) {
  for (const message of answer.messages) {
    visit.lastId = message.message_id;
    if (visit.shown.has(message.message_id)) continue;
    visit.shown.add(message.message_id);
    if (message.role === "customer" && visit.sending) place(visit.sending, message);
    else list.append(message.role === "customer" ? mine(message.text) : reply(message));
    part("typing").hidden = message.role !== "customer";
  }
  if (answer.messages.length) scroll();
}

function place(item, message) {
  if (item.querySelector("[data-text]").textContent !== message.text) list.insertBefore(mine(message.text), item);
  else settle(item);
}

function settle(item) {
  item.classList.remove("pending");
  item.querySelector(".who").textContent = _("You");
  if (visit.sending === item) visit.sending = null;
}

function mine(text, label = _("You")) {
  const item = document.createElement("li");
  item.className = "bubble from-customer";
  const who = document.createElement("span");
  who.className = "who";
  who.textContent = label;
  const words = document.createElement("span");
  words.dataset.text = "";
  words.textContent = text;
  item.append(who, words);
  return item;
}

function reply(message) {
  const item = document.createElement("li");
  item.className = "reply";
  const bubble = document.createElement("div");
  bubble.className = "bubble";
  bubble.textContent = message.text;
  const state = (visit.thumbs[message.message_id] ??= { value: message.thumb ?? 0, reasons: [], comment: "" });
  item.append(bubble, thumbsFor(message, { state, onThumb: sendThumb }));
  return item;
}

function scroll() {
  list.scrollTop = list.scrollHeight;
}

function onTrouble(fault) {
  const line = part("trouble");
  line.hidden = !fault;
  if (!fault) return;
  if (fault.retryAfterS) {
    line.textContent = tellWait(fault.retryAfterS);
  } else if (fault instanceof Refusal && fault.status < 500) {
    line.textContent = _("This conversation cannot be opened from here. Start a new one.");
  } else {
    line.textContent = _("The connection is lost. This page keeps trying; what you write is kept.");
  }
}

function tellWait(seconds) {
  return _("Too much at once. This page tries again in %(count)s s; what you wrote is kept.", { count: seconds });
}

/* Writing */

async function send() {
  const text = field.value.trim();
  if (!text || visit.sending) return;
  const item = mine(text, _("Sending…"));
  item.classList.add("pending");
  list.append(item);
  visit.sending = item;
  field.value = "";
  scroll();
  const onState = (state, seconds) => {
    if (state === "retrying") item.querySelector(".who").textContent = seconds ? tellWait(seconds) : _("Waiting to be sent");
  };
  try {
    if (visit.id) {
      const answer = await write(`/v1/conversations/${visit.id}/messages`, { role: "customer", text }, { token: visit.token, onState });
      visit.shown.add(answer.message_id);
    } else {
      const answer = await write(`${BASE}/start`, { text }, { onState, keep: false });
      visit.shown.add(answer.message_id);
      enter({ id: answer.conversation_id, token: answer.visitor_token });
    }
    settle(item);
    dropDraft(draftId());
    dropDraft("chat");
    part("typing").hidden = false;
    scroll();
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    item.remove();
    visit.sending = null;
    field.value = text;
    part("trouble").hidden = false;
    part("trouble").textContent = wordsOf(fault);
  }
}

/* Thumbs */

function readThumbs(id) {
  return readKept(`thumbs:${id}`) || {};
}

/** Null when saved; words for the person when not. */
async function sendThumb(message, sent, onWait) {
  keepValue(`thumbs:${visit.id}`, visit.thumbs);
  try {
    await write(`/v1/messages/${message.message_id}/thumbs`, sent, { token: visit.token, onState: (_state, seconds) => seconds && onWait(tellWait(seconds)) });
    return null;
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    return wordsOf(fault);
  }
}

/* Set-up */

const draftId = () => `chat${visit.id ? `:${visit.id}` : ""}`;

field.addEventListener("input", () => (field.value ? keepDraft(draftId(), { text: field.value }) : dropDraft(draftId())));
field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || isImeCommit(event)) return;
  event.preventDefault();
  send();
});
part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
part("again").addEventListener("click", leave);
part("erase").addEventListener("click", erase);
for (const example of document.querySelectorAll("[data-example]")) {
  example.addEventListener("click", () => {
    field.value = example.textContent.trim();
    field.focus();
  });
}

const found = findVisit();
if (found) enter(found);
field.value = readDraft(draftId())?.text || "";
flushOutbox((path) => path.startsWith("/v1/"));
