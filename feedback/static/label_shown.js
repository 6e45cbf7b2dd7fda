// What a labeller is shown of an item: the conversation, single replies, and values in words.

import { _ } from "./i18n.js";
import { linked } from "./links.js";
import { part } from "./notices.js";

/** An element with a class and these contents. */
export function make(name, look = "", ...contents) {
  const element = document.createElement(name);
  element.className = look;
  element.append(...contents);
  return element;
}

function bubble({ role, content }) {
  const who = make("span", "who", role === "user" ? _("Customer") : _("Agent"));
  const words = make("span", "words", linked(content));
  words.dir = "auto";
  return make("li", `bubble ${role === "user" ? "from-customer" : "from-agent"}`, who, words);
}

export function showMessages(messages) {
  const told = messages.filter(({ role }) => role === "system").map(({ content }) => content).join("\n\n");
  part("messages").replaceChildren(...messages.filter(({ role }) => role !== "system").map(bubble));
  part("system").hidden = !told;
  part("system-words").textContent = told;
}

/** A reply under its name; `name` also says which part of the page it is. */
export function replyPanel(title, text, name) {
  const words = make("p", "reply-text", linked(text));
  words.dir = "auto";
  words.dataset.part = name;
  return make("article", "panel", make("h3", "", title), words);
}

/** A tag as the page's language names it, else its path. */
export function tagWords(question, path) {
  const title = question.titles?.[path];
  return title?.[document.documentElement.lang.slice(0, 2)] || title?.en || path;
}

const SIDES = { a: () => _("A is better"), b: () => _("B is better"), tie: () => _("Tie"), both_bad: () => _("Both bad") };
const VERDICTS = { good: () => _("Correct"), bad: () => _("Incorrect"), unsure: () => _("Not sure") };

/** What a value says of an item, where A is the reply that comes first in this labeller's order. */
export function sayValue({ value, text }, { question = {}, order = [] } = {}) {
  const placeOf = (reply) => (order.length ? order.indexOf(reply) : reply);
  if (value?.tags) return value.tags.map((path) => tagWords(question, path)).join(_(", ")) || _("None of them");
  if (order.includes(value?.side)) return SIDES["ab"[placeOf(value.side)]]();
  if (value?.side) return SIDES[value.side]();
  if (value?.verdict) return VERDICTS[value.verdict]();
  if (value?.score) return _("%(score)s of 5", { score: value.score });
  if (value?.picked) return _("Replies: %(numbers)s", { numbers: value.picked.map((at) => placeOf(at) + 1).join(_(", ")) });
  if (value?.none) return _("None of them");
  if (value?.unchanged) return _("As it is");
  return text || value?.text || "";
}
