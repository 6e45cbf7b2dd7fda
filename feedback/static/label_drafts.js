// Answers that are begun and not sent. The service keeps them with the claim, which each of them prolongs, as reading does; the browser
// keeps them, too, until they are sent or discarded, since a claim may lapse.

import { Refusal, backOff, pause, put } from "./api.js";
import { person } from "./outbox.js";
import { dropKept, keepValue, listKept, readKept } from "./storage.js";

const PREFIX = `label-draft:${person}:`;
const PAUSE_MS = 600; // pause in typing before a draft is saved

export class Drafts {
  constructor() {
    this.timers = new Map();
    addEventListener("pagehide", () => this.flush());
  }

  /** The draft of an item: the browser's where the service has not got it yet. */
  find(item) {
    const kept = readKept(PREFIX + item.id);
    return kept && !kept.isSaved ? kept : item.draft ?? kept;
  }

  /** The drafts of a task's other items: their claims have lapsed, or another item was taken back in between. */
  listOthers(taskId, itemId) {
    return listKept(PREFIX).map(readKept).filter((draft) => draft?.task_id === taskId && draft.item_id !== itemId && draft.value);
  }

  /** Keeps an answer in the browser at once, and on the server at the next pause; without `fields` it is empty again. */
  keep(item, about, fields) {
    keepValue(PREFIX + item.id, { ...about, ...fields, at: Date.now(), isSaved: false });
    clearTimeout(this.timers.get(item.id));
    this.timers.set(item.id, setTimeout(() => this.save(item.id), PAUSE_MS));
  }

  drop(itemId) {
    clearTimeout(this.timers.get(itemId));
    this.timers.delete(itemId);
    dropKept(PREFIX + itemId);
  }

  async save(itemId, options) {
    this.timers.delete(itemId);
    for (let failures = 0; ; failures += 1) {
      const draft = readKept(PREFIX + itemId);
      if (!draft || draft.isSaved) return;
      try {
        await put(pathOf(itemId), { value: null, ...fieldsOf(draft) }, options);
        if (readKept(PREFIX + itemId)?.at === draft.at) keepValue(PREFIX + itemId, { ...draft, isSaved: true });
        return;
      } catch (fault) {
        if (isGone(fault)) this.drop(itemId);
        if (options || (fault instanceof Refusal && fault.status < 500 && fault.status !== 429)) return; // the browser has it
        await pause(backOff(failures, fault));
      }
    }
  }

  /** Prolongs the claim of somebody who reads and leaves the draft as it is. A lost call is replaced by the next. */
  holdOn(itemId) {
    put(pathOf(itemId), {}).catch(() => {});
  }

  flush() {
    for (const [itemId, timer] of this.timers) {
      clearTimeout(timer);
      this.save(itemId, { keepalive: true });
    }
  }
}

function pathOf(itemId) {
  return `/v1/items/${encodeURIComponent(itemId)}/draft`;
}

/** Whether the item is not there any more, as after an erasure: then nothing of it stays here either. */
export function isGone({ status, code }) {
  return status === 404 || status === 410 || code === "item_dropped";
}

export function fieldsOf({ value, text }) {
  return { ...(value && { value }), ...(typeof text === "string" && { text }) };
}
