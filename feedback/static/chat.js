// The customer's own page: one conversation, or the list of those that this browser knows. The visitor's token is after #
// in the address, which browsers do not send to a server, and in the browser's storage. It knows messages, thumbs and the
// number of people at the desk, nothing else; each of these has a module in chat/.

import { Refusal, subscribe, write } from "./api.js";
import { Attention } from "./attention.js";
import { BASE, NEW, Place, listPlaces } from "./chat/place.js";
import { Outbox } from "./chat/outbox.js";
import { Shelf } from "./chat/shelf.js";
import { QueuePosition } from "./chat/queue_position.js";
import { TwoAnswers } from "./chat/two_answers.js";
import { Question } from "./chat/question.js";
import { Talk } from "./chat/talk.js";
import { describeWait } from "./chat/words.js";
import { isImeCommit } from "./keys.js";
import { _ } from "./i18n.js";

const part = (name) => document.querySelector(`[data-part="${name}"]`);
const field = part("text");
const page = part("chat").dataset;
const isPublic = "public" in page; // whether visitors may open conversations themselves
const closing = new AbortController();

/** The conversation in the address; without one the only known conversation, or null if there are several. */
function findPlace() {
  const hash = decodeURIComponent(location.hash.slice(1));
  if (page.conversation) {
    const place = new Place(page.conversation);
    if (hash) place.note({ token: hash });
    return place.token ? place : new Place(NEW);
  }
  if (hash === NEW) return new Place(NEW);
  const named = new Place(hash);
  named.follow();
  const known = listPlaces();
  if (known.some((place) => place.id === named.id)) return named;
  if (known.length === 1) return known[0];
  return known.length ? null : new Place(NEW);
}

const found = findPlace();
const place = found ?? new Place(NEW);
const outbox = new Outbox(place, {
  onState: (...heard) => talk.tell(...heard),
  onOpen: enter,
  onSent,
  onRefused: (entry) => talk.refuse(entry),
});
const talk = new Talk(part("messages"), { place, outbox });
const queuePosition = new QueuePosition(part("typing"), place);
const question = new Question(part("question"), place);
const twoAnswers = new TwoAnswers(part("two-answers"), place, { onPicked: () => part("messages").focus() });
const shelf = new Shelf(part("shelf-list"), { current: place });
const attention = new Attention({ person: "customer", sound: part("sound"), notify: part("notify"), say: showTrouble });

/* The conversation */

/** Puts the conversation into the address and begins to listen to it. */
function enter() {
  history.replaceState(null, "", place.address);
  part("greeting").hidden = true;
  showTools();
  if (!place.token) return;
  part("erase").hidden = false;
  subscribe(nextMessages, showMessages, { token: place.token, signal: closing.signal, onTrouble });
}

function nextMessages() {
  const known = new URLSearchParams({ ...(talk.lastId && { after: talk.lastId }), two_answers: twoAnswers.id });
  return `/v1/conversations/${place.id}/messages?${known}`;
}

function showMessages({ messages, two_answers: offered }) {
  const isNews = talk.hasHistory;
  const fresh = talk.show(messages);
  const replies = fresh.filter((message) => message.role === "agent");
  if (isNews && replies.length) attention.arrive(replies.map((message) => message.message_id), { words: _("There is a new answer for you.") });
  if (twoAnswers.set(offered) && isNews) attention.arrive([offered.message_id], { words: _("There are two answers for you.") });
  noteLast(messages.at(-1));
  queuePosition.set(talk.waits && !offered);
  if (fresh.length) question.set(!talk.waits);
}

/** Notes for the list of conversations that all is read; a hidden page has not been read. */
let last = null;
function noteLast(message) {
  last = message ?? last;
  if (!last || document.visibilityState !== "visible") return;
  place.noteWords(last.role, last.text, last.created_at);
  place.note({ lastId: last.message_id, unread: 0 });
}

function onTrouble(fault) {
  if (!fault) showTrouble("");
  else if (fault.retryAfterS) showTrouble(describeWait(fault.retryAfterS));
  else if (fault instanceof Refusal && fault.status < 500) showTrouble(_("This conversation cannot be opened from here. Start a new one."));
  else showTrouble(_("The connection is lost. This page keeps trying; what you write is kept."));
}

function showTrouble(words) {
  part("trouble").hidden = !words;
  part("trouble").textContent = words;
}

/* Writing */

function send() {
  const text = field.value.trim();
  if (!text) return;
  if (place.id === NEW) {
    place.begin();
    enter();
  }
  place.noteWords("customer", text, new Date().toISOString());
  talk.await(outbox.add(text));
  field.value = "";
  place.drop("draft");
  outbox.send();
}

function onSent(entry, answer) {
  talk.confirm(entry, answer.message_id);
  queuePosition.renew();
  question.set(false);
}

/** Erases everything of this conversation, in the browser and on the server. It asks first, since this cannot be undone. */
async function erase() {
  if (!confirm(_("Delete this conversation for good? All messages and ratings in it are erased."))) return;
  part("erase").disabled = true;
  try {
    await write(`/v1/conversations/${place.id}/erasure`, {}, { token: place.token, keep: false });
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    if (fault.status !== 401) {
      part("erase").disabled = false;
      onTrouble(fault);
      return;
    } // the token is invalid already: an earlier try has erased it
  }
  closing.abort();
  queuePosition.set(false);
  question.set(false);
  twoAnswers.set(null);
  place.forget();
  if (isPublic) {
    location.assign(BASE);
    return;
  } // there is no other conversation to go to
  part("messages").replaceChildren();
  for (const name of ["form", "erase"]) part(name).hidden = true;
  showTrouble(_("This conversation is deleted."));
}

/* The list of conversations */

function showTools() {
  part("again").hidden = !isPublic || place.id === NEW;
  part("conversations").hidden = !Shelf.others(place).length;
}

function showShelf(isShown) {
  part("shelf").hidden = !isShown;
  part("talk").hidden = isShown;
  part("conversations").setAttribute("aria-expanded", String(isShown));
  if (isShown) shelf.open();
}

function startAnother() {
  location.assign(`${BASE}#${NEW}`);
}

/* Set-up */

field.addEventListener("input", () => (field.value ? place.keep("draft", { text: field.value }) : place.drop("draft")));
field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || isImeCommit(event)) return;
  event.preventDefault();
  send();
});
part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
part("erase").addEventListener("click", erase);
part("again").addEventListener("click", startAnother);
part("another").addEventListener("click", startAnother);
part("conversations").addEventListener("click", () => showShelf(part("shelf").hidden));
part("about").addEventListener("click", () => part("stored").showModal());
for (const example of document.querySelectorAll("[data-example]")) {
  example.addEventListener("click", () => {
    field.value = example.textContent.trim();
    field.focus();
  });
}
document.addEventListener("visibilitychange", () => noteLast());
window.addEventListener("hashchange", () => location.reload()); // another conversation on this page

field.value ||= place.read("draft")?.text || ""; // text typed while the page was loading stays
if (place.id !== NEW) enter();
showTools();
showShelf(!found);
part("send").disabled = false; // before this, the form would load another page and lose the text
outbox.send();
