// The bubbles of a conversation: the customer's messages, sent or not, and the replies with their thumbs. Sends and
// stores nothing.

import { linked } from "../links.js";
import { showLocalTimes } from "../page.js";
import { _ } from "../i18n.js";

function make(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

function timeOf(at) {
  const time = make("time", "when");
  time.dateTime = at;
  time.dataset.local = "";
  return time;
}

function showTime(item, at) {
  item.append(timeOf(at));
  showLocalTimes(item);
}

/** A bubble of the customer's own text, without a time since it has not been sent. */
function own(text, label) {
  const item = make("li", "bubble from-customer");
  const words = make("span");
  words.append(linked(text));
  words.dataset.text = "";
  words.dir = "auto";
  item.append(make("span", "who", label), words);
  return item;
}

export function sentBubble(message) {
  const item = own(message.text, _("You"));
  showTime(item, message.created_at);
  return item;
}

export function waitingBubble(text, label = _("Waiting to be sent")) {
  const item = own(text, label);
  item.classList.add("pending");
  return item;
}

export function say(item, words) {
  item.querySelector(".who").textContent = words;
}

/** Marks the text as arrived. */
export function settle(item, at) {
  item.classList.remove("pending");
  say(item, _("You"));
  showTime(item, at);
}

/** Marks the text as refused: it stays, with the reason and what can be done. */
export function refuse(item, why, acts) {
  item.classList.remove("pending");
  item.classList.add("unsent");
  say(item, _("Not sent"));
  const row = make("span", "acts");
  for (const [label, act] of acts) {
    const button = make("button", "", label);
    button.type = "button";
    button.addEventListener("click", () => act(button));
    row.append(button);
  }
  item.append(make("span", "why small", why), row);
}

export function replyBubble(message, thumbs) {
  const item = make("li", "reply");
  const bubble = make("div", "bubble");
  bubble.append(linked(message.text));
  bubble.dir = "auto";
  item.append(bubble, timeOf(message.created_at), thumbs);
  showLocalTimes(item);
  return item;
}
