// Customers' ratings of the replies that this agent sent: a mark on the message, and one quiet line for a new rating. It
// shows no other agent's ratings and nothing about where a reply came from.

import { Refusal, read } from "./api.js";
import { _ } from "./i18n.js";
import { keepValue, readKept } from "./storage.js";

const POLL_MS = 20_000;
const SHOWN_MS = 60_000;
const FIRST_LOOK_MS = 24 * 3600 * 1000; // how far back a browser looks at its first visit

async function readThumbs(path) {
  try {
    return (await read(path)).thumbs;
  } catch (fault) {
    if (fault instanceof Refusal || fault instanceof TypeError) return []; // asked again later
    throw fault;
  }
}

/** Shows ratings that are new since this person last saw them, now and as long as the page is open. */
export async function showHeard(line) {
  const key = `heard:${document.body.dataset.person}`;
  let hide = null;
  for (;;) {
    const since = readKept(key) ?? Date.now() - FIRST_LOOK_MS;
    const fresh = (await readThumbs("/v1/thumbs")).filter((thumb) => Date.parse(thumb.created_at) > since);
    if (fresh.length) {
      markReplies(document, fresh);
      keepValue(key, Math.max(...fresh.map((thumb) => Date.parse(thumb.created_at))));
      line.textContent = wordsOf(fresh);
      line.hidden = false;
      clearTimeout(hide);
      hide = setTimeout(() => (line.hidden = true), SHOWN_MS);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function wordsOf(thumbs) {
  if (thumbs.length > 1) {
    const up = thumbs.filter((thumb) => thumb.value > 0).length;
    return _("Your answers: %(up)s found helpful, %(down)s not.", { up, down: thumbs.length - up });
  }
  const name = thumbs[0].customer_id || _("A customer");
  if (thumbs[0].value > 0) return _("%(name)s found your answer helpful.", { name });
  return _("%(name)s did not find your answer helpful.", { name });
}

/** Marks the ratings on the agent's own replies in this list, as far as they are loaded. */
export async function markHeard(list, conversationId) {
  markReplies(list, await readThumbs(`/v1/thumbs?conversation_id=${encodeURIComponent(conversationId)}`));
}

function markReplies(list, thumbs) {
  for (const { message_id: id, value } of thumbs) {
    const who = list.querySelector(`[data-message="${CSS.escape(id)}"] .who`);
    if (!who) continue;
    who.querySelector(".mark")?.remove();
    const mark = document.createElement("span");
    mark.className = value > 0 ? "mark good" : "mark bad";
    mark.textContent = value > 0 ? _("Helpful") : _("Not helpful");
    who.append(" ", mark);
  }
}
