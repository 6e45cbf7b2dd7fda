// The signed-in person's drafts: texts in any conversation that the customer has not got. They are kept on the server;
// the browser holds what the server has not acknowledged. The text in the composer has no `aside_id`; each text that was
// set aside has one: texts replaced by a card, and replies that were refused.

import { Refusal, backOff, pause, put, read } from "./api.js";
import { checkPerson, person } from "./outbox.js";
import { dropKept, keepValue, listKept, newId, readKept } from "./storage.js";

const PREFIX = `notebook:${person}:`;
const PAUSE_MS = 600; // pause in typing before a draft is saved
const BLANK = { text: "", taken: null, none_good: false, turn_id: null, refused: null };

const keyOf = ({ conversation_id, aside_id }) => `${conversation_id}:${aside_id || ""}`;
const fieldsOf = ({ text, taken, none_good, turn_id, refused }) => ({ text, taken, none_good, turn_id, refused });
const hasContent = (draft) => Boolean(draft && (draft.text || draft.none_good));

export class Notebook {
  /** `onChange` is called when drafts are added or removed, not at every key. */
  constructor({ onChange = () => {} } = {}) {
    Object.assign(this, { onChange, drafts: new Map(), unsaved: new Set(), pushing: new Set(), timers: new Map() });
    for (const draft of listKept(PREFIX).map(readKept).filter(Boolean)) {
      this.drafts.set(keyOf(draft), draft);
      this.unsaved.add(keyOf(draft));
    }
    addEventListener("pagehide", () => this.flush({ keepalive: true }));
  }

  /** Loads the server's drafts; what only this browser has takes precedence. */
  async open() {
    const saved = [...this.drafts].filter(([key, draft]) => hasContent(draft) && !this.unsaved.has(key));
    this.flush();
    const answer = await read("/v1/drafts");
    checkPerson(answer.agent);
    const listed = new Set(answer.drafts.map(keyOf));
    for (const [key, draft] of saved) {
      if (!listed.has(key) && this.drafts.get(key) === draft) this.drafts.delete(key); // removed by another page
    }
    for (const draft of answer.drafts) {
      const known = this.drafts.get(keyOf(draft));
      if (!known || known.revision < draft.revision) this.learn(draft, known);
      else known.asked = draft.asked;
    }
    this.onChange();
  }

  /** Another page of this person wrote this draft. A text that only this page knew is set aside. */
  learn(draft, known) {
    const key = keyOf(draft);
    const isLost = this.unsaved.has(key) && known.text && known.text !== draft.text;
    this.drafts.set(key, { ...draft, at: Date.parse(draft.updated_at) });
    this.settle(key);
    if (isLost) this.putAside(draft.conversation_id, fieldsOf(known));
  }

  /* Asking */

  /** The text in the composer of this conversation, or null. */
  find(conversationId) {
    const draft = this.drafts.get(keyOf({ conversation_id: conversationId }));
    return hasContent(draft) ? draft : null;
  }

  revisionOf(conversationId) {
    return this.drafts.get(keyOf({ conversation_id: conversationId }))?.revision ?? 0;
  }

  has(conversationId) {
    return this.list().some((draft) => draft.conversation_id === conversationId && !draft.refused);
  }

  list() {
    return [...this.drafts.values()].filter(hasContent);
  }

  /** Own texts that were replaced by a card, the newest last. */
  listAside(conversationId) {
    const aside = this.list().filter((draft) => draft.conversation_id === conversationId && draft.aside_id && !draft.refused);
    return aside.sort((a, b) => a.at - b.at);
  }

  listRefused() {
    return this.list().filter((draft) => draft.refused).sort((a, b) => a.at - b.at);
  }

  /* Writing */

  /** Saves these fields of the draft in the browser at once, and on the server at the next pause; returns its revision. */
  keep(conversationId, fields, { aside_id = null } = {}) {
    const key = keyOf({ conversation_id: conversationId, aside_id });
    const before = this.drafts.get(key);
    const revision = Math.max((before?.revision ?? 0) + 1, Date.now());
    const draft = { ...BLANK, asked: before?.asked, ...fields, conversation_id: conversationId, aside_id, revision, at: Date.now() };
    this.drafts.set(key, draft);
    this.unsaved.add(key);
    keepValue(PREFIX + key, draft);
    clearTimeout(this.timers.get(key));
    this.timers.set(key, setTimeout(() => this.push(key), PAUSE_MS));
    if (hasContent(before) !== hasContent(draft)) this.onChange();
    return revision;
  }

  clear(conversationId, aside_id = null) {
    if (hasContent(this.drafts.get(keyOf({ conversation_id: conversationId, aside_id })))) this.keep(conversationId, {}, { aside_id });
  }

  /** Sets a text aside: `fields` may say why it was refused. An equal text is not kept twice. */
  putAside(conversationId, fields, aside_id = newId()) {
    const isSame = (draft) => draft.aside_id === aside_id || (draft.text === fields.text && !draft.refused && !fields.refused);
    const beside = this.list().filter((draft) => draft.conversation_id === conversationId && draft.aside_id);
    if (!beside.some(isSame)) this.keep(conversationId, fields, { aside_id });
  }

  /** Makes a sent text a draft again; a draft begun since then keeps its place. */
  giveBack(conversationId, fields) {
    if (this.find(conversationId)) this.putAside(conversationId, fields);
    else this.keep(conversationId, fields);
  }

  /** The server removed the draft when it was sent. What was written since then stays. */
  sent(conversationId, revision) {
    const key = keyOf({ conversation_id: conversationId });
    const draft = this.drafts.get(key);
    if (!draft || draft.revision > revision) return;
    this.drafts.set(key, { ...draft, ...BLANK, revision });
    this.settle(key);
    this.onChange();
  }

  /* Saving */

  /** Saves all unsaved drafts now. */
  flush({ keepalive = false } = {}) {
    for (const key of this.unsaved) {
      if (keepalive) this.save(key, { keepalive }).catch(() => {}); // the browser keeps it until the next time
      else this.push(key);
    }
  }

  async push(key) {
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    if (this.pushing.has(key)) return;
    this.pushing.add(key);
    try {
      for (let failures = 0; this.unsaved.has(key); ) {
        try {
          const { revision } = this.drafts.get(key);
          await this.save(key);
          failures = 0;
          if (this.drafts.get(key)?.revision !== revision && this.timers.has(key)) break; // saved at the next pause
        } catch (fault) {
          if (fault instanceof Refusal && fault.status < 500 && fault.status !== 429) {
            this.giveUp(key, fault);
            return;
          }
          await pause(backOff(failures, fault));
          failures += 1;
        }
      }
    } finally {
      this.pushing.delete(key);
    }
  }

  async save(key, options) {
    const draft = this.drafts.get(key);
    const { conversation_id, aside_id, revision } = draft;
    const fields = { ...fieldsOf(draft), revision, ...(aside_id && { aside_id }) };
    const answer = await put(`/v1/conversations/${conversation_id}/draft`, fields, options);
    if (this.drafts.get(key)?.revision !== revision) return;
    this.settle(key);
    if (answer.revision === revision) return;
    this.drafts.delete(key); // another page of this person wrote or sent something later
    if (draft.text) this.putAside(conversation_id, fieldsOf(draft));
    await this.open();
  }

  settle(key) {
    this.unsaved.delete(key);
    dropKept(PREFIX + key);
  }

  /** Gives up on a draft that the server will never accept. If the customer was erased it is deleted here too, else
   *  kept. */
  giveUp(key, fault) {
    this.unsaved.delete(key);
    if (fault.status === 410 || fault.status === 404) dropKept(PREFIX + key);
  }
}
