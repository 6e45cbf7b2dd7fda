// The list of messages: the service's messages in order, then the texts that it has not acknowledged.

import { wordsOf } from "../refusals.js";
import { thumbsFor } from "../thumbs.js";
import { refuse, replyBubble, say, sentBubble, settle, waitingBubble } from "./bubbles.js";
import { Rating } from "./rating.js";
import { describeWait } from "./words.js";
import { _ } from "../i18n.js";

const NEAR_PX = 40; // pixels from the end that count as the end

export class Talk {
  constructor(list, { place, outbox }) {
    Object.assign(this, { list, place, outbox, lastId: null, lastRole: null, shown: new Set(), unsent: new Map(), hasHistory: false });
    for (const entry of outbox.list()) this.await(entry);
    this.stayAtEnd();
  }

  /** A reader at the end stays at the end when the list gets smaller; a reader further up stays there. */
  stayAtEnd() {
    let isAtEnd = true;
    this.list.addEventListener("scroll", () => { isAtEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_PX; });
    new ResizeObserver(() => isAtEnd && this.scroll()).observe(this.list);
  }

  /** Whether the last acknowledged message is the customer's. */
  get waits() {
    return this.lastRole === "customer";
  }

  /** Adds messages of the service, each once. Returns those that were not shown before. */
  show(messages) {
    const fresh = messages.filter((message) => !this.shown.has(message.message_id));
    for (const message of messages) {
      const before = this.lastId;
      this.lastId = message.message_id;
      this.lastRole = message.role;
      if (this.shown.has(message.message_id)) continue;
      this.shown.add(message.message_id);
      if (message.role !== "customer") this.insert(replyBubble(message, thumbsFor(new Rating(this.place, message, before))));
      else if (!this.recognise(message)) this.insert(sentBubble(message));
    }
    this.hasHistory = true;
    if (fresh.length) this.scroll();
    return fresh;
  }

  /** A text being sent may come back as a message before its own answer: then its bubble becomes that message. Messages
   *  that were there when the page opened are never taken for it, even with equal words. */
  recognise(message) {
    if (!this.hasHistory) return false;
    for (const [id, item] of this.unsent) {
      if (!item.classList.contains("pending") || item.querySelector("[data-text]").textContent !== message.text) continue;
      this.arrive(id, item, message.created_at);
      return true;
    }
    return false;
  }

  insert(item) {
    this.list.insertBefore(item, this.list.querySelector(":scope > .pending, :scope > .unsent"));
  }

  scroll() {
    this.list.scrollTop = this.list.scrollHeight;
  }

  /* Texts that the service has not acknowledged */

  await(entry) {
    const item = waitingBubble(entry.text);
    this.unsent.set(entry.event_id, item);
    this.list.append(item);
    if (entry.refused) this.refuse(entry);
    this.scroll();
  }

  tell(entry, state, seconds) {
    const item = this.unsent.get(entry.event_id);
    if (!item) return;
    if (state === "saving") say(item, _("Sending…"));
    if (state === "retrying") say(item, seconds ? describeWait(seconds) : _("Waiting to be sent"));
  }

  /** The service has acknowledged the text, and may have sent it to us already. */
  confirm(entry, messageId) {
    const item = this.unsent.get(entry.event_id);
    if (!item) return;
    if (this.shown.has(messageId)) {
      this.remove(entry);
      return;
    }
    this.shown.add(messageId);
    this.lastRole = "customer";
    this.arrive(entry.event_id, item, new Date().toISOString());
  }

  /** Moves it to its place, before texts that still wait. */
  arrive(eventId, item, at) {
    this.unsent.delete(eventId);
    settle(item, at);
    this.insert(item);
    this.scroll();
  }

  refuse(entry) {
    const item = this.unsent.get(entry.event_id);
    if (!item) return;
    refuse(item, wordsOf(entry.refused), [
      [_("Send again"), () => this.sendAgain(entry)],
      [_("Copy"), (button) => copy(entry.text, item, button)],
      [_("Discard"), () => this.discard(entry)],
    ]);
    this.scroll();
  }

  sendAgain(entry) {
    this.remove(entry);
    this.await(this.outbox.putBack(entry));
    this.outbox.send();
  }

  discard(entry) {
    this.outbox.discard(entry);
    this.remove(entry);
  }

  remove(entry) {
    this.unsent.get(entry.event_id)?.remove();
    this.unsent.delete(entry.event_id);
  }
}

/** If the browser refuses to copy, as on plain http, the text is selected so that a key can copy it. */
async function copy(text, item, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = _("Copied.");
  } catch {
    getSelection().selectAllChildren(item.querySelector("[data-text]"));
  }
}
