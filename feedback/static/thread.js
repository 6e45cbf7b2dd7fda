// The messages of one conversation, newest at the bottom, followed until the signal ends it. Also shows replies whose
// undo window is still open, with a dashed border.

import { subscribe } from "./api.js";
import { markHeard } from "./heard.js";
import { _ } from "./i18n.js";
import { linked } from "./links.js";
import { showLocalTimes } from "./page.js";

export function showThread(list, turn, signal) {
  let last = null;
  list.replaceChildren();
  list.closest(".reading").scrollTop = 0;
  stayAtEnd(list, signal);

  function next() {
    const after = last ? `?after=${encodeURIComponent(last)}` : "";
    return `/v1/conversations/${turn.conversation_id}/messages${after}`;
  }

  function show(answer) {
    for (const message of answer.messages) {
      list.append(bubble(message, turn.language));
      last = message.message_id;
    }
    if (answer.messages.length) list.scrollTop = list.scrollHeight;
    if (answer.messages.some((message) => message.role === "agent")) markHeard(list, turn.conversation_id);
  }

  subscribe(next, show, { signal });
}

/** When something appears below the list, the newest message stays visible. */
function stayAtEnd(list, signal) {
  let isAtEnd = true;
  list.addEventListener("scroll", () => (isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 8), { signal });
  const watch = new ResizeObserver(() => isAtEnd && (list.scrollTop = list.scrollHeight));
  watch.observe(list);
  signal.addEventListener("abort", () => watch.disconnect(), { once: true });
}

/** One message as a row of a list. */
export function bubble(message, language) {
  const item = document.createElement("li");
  item.className = `bubble from-${message.role}${message.released ? "" : " pending"}`;
  item.dataset.message = message.message_id;
  const who = document.createElement("span");
  who.className = "who";
  who.append(message.role === "customer" ? _("Customer") : _("Desk"), " · ", timeOf(message.occurred_at));
  const text = document.createElement("span");
  text.className = "words";
  text.dir = "auto";
  if (language) text.lang = language;
  text.append(linked(message.text));
  item.append(who, text);
  if (message.knowledge.length) item.append(passedAlong(message.knowledge));
  showLocalTimes(item);
  return item;
}

export function timeOf(at) {
  const time = document.createElement("time");
  time.dateTime = at;
  time.dataset.local = "";
  return time;
}

/** The facts that an app passes for the reply: the suggestions used them, so the agent may see them. */
function passedAlong(knowledge) {
  const box = document.createElement("details");
  box.className = "knowledge";
  const head = document.createElement("summary");
  const untitled = _("untitled");
  const titles = knowledge.map((article) => article.title || untitled).join(_(", "));
  head.textContent = _("Passed along by the app, read by the suggestions: %(titles)s", { titles });
  box.append(head);
  for (const article of knowledge) {
    const text = document.createElement("p");
    text.dir = "auto";
    const title = document.createElement("strong");
    title.textContent = article.title;
    text.append(title, "\n", linked(article.text));
    box.append(text);
  }
  return box;
}
