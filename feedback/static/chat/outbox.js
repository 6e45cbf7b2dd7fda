// The texts of one conversation that the service has not acknowledged, in the order of writing. They are sent one after
// the other, each with its own event id until there is an answer, so each arrives once, also after a reload and from two
// windows. A refused one stays until the customer sends it again or discards it. Draws nothing.

import { Refusal, write } from "../api.js";
import { newId } from "../storage.js";
import { BASE } from "./place.js";

const nameOf = (entry) => `unsent:${entry.event_id}`;

export class Outbox {
  /** `hear` has the callbacks `onState(entry, state, seconds)`, `onOpen()` once the service knows the conversation,
   *  `onSent(entry, answer)` and `onRefused(entry)`. */
  constructor(place, hear) {
    Object.assign(this, { place, hear, isSending: false });
  }

  list() {
    return this.place.list("unsent:").sort((a, b) => a.order - b.order);
  }

  add(text) {
    const entry = { event_id: newId(), text, order: this.nextOrder(), refused: null };
    this.place.keep(nameOf(entry), entry);
    return entry;
  }

  nextOrder() {
    return Math.max(Date.now(), ...this.list().map((entry) => entry.order + 1));
  }

  /** Queues a refused text again, last, with its old event id, since the service stored nothing for it. */
  putBack(entry) {
    const again = { ...entry, order: this.nextOrder(), refused: null };
    this.place.keep(nameOf(again), again);
    return again;
  }

  discard(entry) {
    this.place.drop(nameOf(entry));
  }

  /** Sends all waiting texts. */
  async send() {
    if (this.isSending) return;
    this.isSending = true;
    try {
      for (let entry; (entry = this.findNext()); ) await this.sendOne(entry);
    } finally {
      this.isSending = false;
    }
  }

  findNext() {
    this.whenOpened(() => this.place.follow());
    return this.list().find((each) => !each.refused);
  }

  whenOpened(act) {
    const wasOpen = this.place.token;
    act();
    if (!wasOpen && this.place.token) this.hear.onOpen();
  }

  async sendOne(entry) {
    const onState = (state, seconds) => this.hear.onState(entry, state, seconds);
    try {
      const answer = this.place.token ? await this.post(entry, onState) : await this.start(entry, onState);
      this.discard(entry);
      this.hear.onSent(entry, answer);
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      const refused = { ...entry, refused: { code: fault.code } };
      this.place.keep(nameOf(refused), refused);
      this.hear.onRefused(refused);
    }
  }

  post({ event_id, text }, onState) {
    const path = `/v1/conversations/${this.place.id}/messages`;
    return write(path, { event_id, role: "customer", text }, { token: this.place.token, keep: false, onState });
  }

  async start({ event_id, text }, onState) {
    const answer = await write(`${BASE}/start`, { event_id, text }, { keep: false, onState });
    this.whenOpened(() => this.place.open(answer.conversation_id, answer.visitor_token, nameOf({ event_id })));
    return answer;
  }
}
