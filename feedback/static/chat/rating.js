// One reply's rating: what the service knows, and the customer's clicks since then. Clicks are numbered and saved one at
// a time, the last one with its own event id until there is an answer, also after a reload; one that comes too late is
// refused by its number. Draws nothing.

import { Refusal, read, write } from "../api.js";
import { wordsOf } from "../refusals.js";
import { newId } from "../storage.js";
import { describeWait } from "./words.js";
import { _ } from "../i18n.js";

const NONE = { value: 0, reasons: [], comment: "", number: 0 };

export class Rating {
  /** `before` is the id of the message before this one, used to ask the service for what follows it. */
  constructor(place, message, before) {
    Object.assign(this, { place, before, id: message.message_id, known: asKnown(message.thumb), isSaving: false });
    this.state = this.pressed ?? this.known;
    this.onChange = () => {};
  }

  get name() {
    return `thumb:${this.id}`;
  }

  /** The click that is not saved yet, or null. */
  get pressed() {
    return this.place.read(this.name);
  }

  press(fields) {
    const number = Math.max(this.state.number, this.known.number) + 1;
    this.state = { ...this.state, ...fields, number, event_id: newId() };
    this.place.keep(this.name, this.state);
    this.onChange(_("Saving…"));
    this.save();
  }

  async save() {
    if (this.isSaving) return;
    this.isSaving = true;
    let words = "";
    for (let pressed; (pressed = this.pressed); ) {
      words = await this.saveOne(pressed);
      if (this.pressed?.event_id === pressed.event_id) this.place.drop(this.name);
      else this.renumber();
    }
    this.isSaving = false;
    this.state = this.known;
    this.onChange(words);
  }

  /** Saves one click; `onChange` gets the text that the customer reads. */
  async saveOne({ event_id, value, reasons, comment, number }) {
    const sent = { event_id, value, reasons: value === -1 ? reasons : [], number };
    if (value === -1 && comment) sent.comment = comment;
    this.onChange(_("Saving…"));
    const onState = (_state, seconds) => seconds && this.onChange(describeWait(seconds));
    try {
      await write(`/v1/messages/${this.id}/thumbs`, sent, { token: this.place.token, keep: false, onState });
      this.known = { value, reasons: sent.reasons, comment: sent.comment ?? "", number };
      return value === 0 ? _("Taken back.") : _("Thank you.");
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      await this.lookAgain();
      return wordsOf(fault);
    }
  }

  /** A click made meanwhile counts as later than all that the service knows. */
  renumber() {
    const pressed = this.pressed;
    if (!pressed || pressed.number > this.known.number) return;
    this.state = { ...pressed, number: this.known.number + 1, event_id: newId() };
    this.place.keep(this.name, this.state);
  }

  async lookAgain() {
    const after = this.before ? `?after=${encodeURIComponent(this.before)}` : "";
    try {
      const answer = await read(`/v1/conversations/${this.place.id}/messages${after}`, { token: this.place.token });
      const found = answer.messages.find((message) => message.message_id === this.id);
      if (found) this.known = asKnown(found.thumb);
    } catch {
      // the known rating stays; opening the page again asks again
    }
  }
}

function asKnown(thumb) {
  return thumb ? { ...thumb, comment: thumb.comment ?? "", number: thumb.number ?? 0 } : NONE;
}
