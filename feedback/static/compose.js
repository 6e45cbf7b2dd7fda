// The open turn: what the agent has chosen of its cards, the text in the composer, and the draft of both. The draft is
// saved at every key press. An own text that is replaced by a card is set aside. Nothing here talks to the service.

import { letterOf } from "./cards.js";
import { announce, part } from "./notices.js";
import { _ } from "./i18n.js";

export function focusPage() {
  document.getElementById("main").focus({ preventScroll: true });
}

/** Everything about a turn; replaced as a whole when another turn is opened. */
function fresh(turn) {
  return { turn, set: null, taken: null, tie: null, none: false, closed: false, revealedAt: 0, stop: new AbortController(), busy: false };
}

export class Hand {
  /** `onWork` is called for every key that changes something. */
  constructor(composer, cards, { notebook, onWork }) {
    Object.assign(this, { composer, cards, notebook, onWork }, fresh(null));
  }

  /** Leaves the turn and opens another one, or none; returns the signal that is aborted when that one is left. */
  hold(turn) {
    this.stop.abort();
    Object.assign(this, fresh(turn));
    return this.stop.signal;
  }

  holds(turn) {
    return this.turn?.turn_id === turn.turn_id;
  }

  /* Draft */

  /** Loads the draft of this conversation. Choices among the cards of another turn are left out. `sent` is a reply
   *  still being sent: it is shown in its own turn, not in the next one. */
  restore(sent = null) {
    const draft = sent || this.notebook.find(this.turn.conversation_id);
    const isHere = draft?.turn_id === this.turn.turn_id;
    const isGone = sent && !isHere;
    this.composer.value = (!isGone && draft?.text) || "";
    this.taken = (isHere && draft.taken) || null;
    this.none = Boolean(isHere && draft.none_good);
    this.busy = Boolean(sent && isHere);
    this.composer.readOnly = this.busy;
    this.showOrigin();
    this.showAside();
  }

  /** Keeps here a text that was being sent and was refused. */
  unlock() {
    this.busy = false;
    this.composer.readOnly = false;
    this.showOrigin();
  }

  /** Loads a text that was set aside. */
  receive(text) {
    this.putAside();
    Object.assign(this, { tie: null, taken: null });
    replaceText(this.composer, text);
    this.save();
    this.mark();
  }

  get fields() {
    return { text: this.composer.value, taken: this.taken, none_good: this.none, turn_id: this.turn.turn_id };
  }

  /** Saves the text in the composer. */
  save() {
    if (!this.turn) return;
    this.onWork();
    if (this.composer.value || this.none) this.notebook.keep(this.turn.conversation_id, this.fields);
    else this.notebook.clear(this.turn.conversation_id);
  }

  /* Own texts that are set aside */

  /** Whether the composer holds words that are in no card. */
  get isOwn() {
    const { value } = this.composer;
    return Boolean(value.trim()) && !this.cards.candidates.some((candidate) => candidate.text === value);
  }

  putAside() {
    if (!this.isOwn) return;
    const { text, taken, turn_id } = this.fields;
    this.notebook.putAside(this.turn.conversation_id, { text, taken, turn_id });
    this.showAside();
  }

  /** The text that comes back next: from a card the newest, from an own text the oldest, so that all are reached in
   *  turn. */
  get aside() {
    const aside = this.turn ? this.notebook.listAside(this.turn.conversation_id) : [];
    return (this.isOwn ? aside[0] : aside.at(-1)) ?? null;
  }

  /** Brings back a text that was set aside; an own text in the composer is set aside instead. */
  bringBack() {
    if (!this.turn || this.composer.readOnly) return;
    const next = this.aside;
    if (!next) {
      announce(_("No text of yours lies aside."));
      return;
    }
    this.receive(next.text);
    if (next.turn_id === this.turn.turn_id) this.taken = next.taken;
    this.save();
    this.notebook.clear(this.turn.conversation_id, next.aside_id);
    this.mark();
    this.showAside();
    announce(_("Your own text is back in the composer."));
  }

  showAside() {
    const next = this.aside;
    part("aside").hidden = !next;
    part("aside-words").textContent = next?.text ?? "";
  }

  /** After a key press in the composer. */
  onInput() {
    if (!this.composer.value) this.taken = null;
    this.save();
    this.mark();
  }

  showOrigin() {
    const { candidates } = this.cards;
    const at = candidates.findIndex((candidate) => candidate.candidate_id === this.taken);
    let words = "";
    if (this.tie) words = _("Tie: mark the equally good ones. The one in the composer is sent.");
    else if (at >= 0 && this.composer.value === candidates[at].text) words = _("%(letter)s, unchanged", { letter: letterOf(at) });
    else if (at >= 0) words = _("%(letter)s, edited", { letter: letterOf(at) });
    else if (this.composer.value) words = _("Your own text");
    else if (this.none) words = _("None was good: write your own.");
    part("origin").textContent = words;
    part("send").disabled = this.busy;
  }

  mark() {
    this.cards.show({ taken: this.taken, equal: this.tie, text: this.composer.value });
    part("tie").setAttribute("aria-pressed", String(Boolean(this.tie)));
    part("none").setAttribute("aria-pressed", String(this.none));
    if (part("both")) part("both").hidden = !this.isPair;
    this.showOrigin();
  }

  /* Choosing */

  choose(index) {
    const candidate = this.cards.usable(index);
    if (!candidate || this.busy) return;
    if (this.tie) {
      this.toggleEqual(candidate, index);
      return;
    }
    this.take(candidate);
    announce(_("%(letter)s is in the composer.", { letter: letterOf(index) }));
  }

  /** Puts a card into the composer, ready to send; false if it cannot be sent. */
  chooseToSend(index) {
    const candidate = this.cards.usable(index);
    if (!candidate || this.busy) return false;
    if (this.tie && !this.tie.includes(candidate.candidate_id)) this.tie.push(candidate.candidate_id);
    this.take(candidate, { focus: false });
    return true;
  }

  take(candidate, { focus = true } = {}) {
    this.putAside();
    this.taken = candidate.candidate_id;
    replaceText(this.composer, candidate.text);
    if (!focus) focusPage();
    this.save();
    this.mark();
  }

  chooseNone() {
    this.putAside();
    Object.assign(this, { none: true, tie: null, taken: null });
    replaceText(this.composer, "");
    this.save();
    this.showNone();
  }

  showNone() {
    this.cards.close();
    this.mark();
    this.composer.focus();
  }

  takeBackNone() {
    this.none = false;
    this.cards.reopen();
    this.save();
    this.mark();
  }

  toggleTie() {
    if (!this.cards.candidates.length || this.cards.closed || this.none) return;
    this.tie = this.tie ? null : [];
    if (this.tie && this.taken) this.tie.push(this.taken);
    this.onWork();
    if (this.tie) focusPage();
    announce(this.tie ? _("Tie: press the numbers of the equally good ones, then Ctrl+Enter.") : _("Tie ended."));
    this.mark();
  }

  toggleEqual(candidate, index) {
    const id = candidate.candidate_id;
    const isMarked = this.tie.includes(id);
    this.tie = isMarked ? this.tie.filter((other) => other !== id) : [...this.tie, id];
    const sent = this.tie.includes(this.taken) ? this.taken : this.tie[0];
    const next = this.cards.candidates.find((other) => other.candidate_id === sent);
    if (next && next.candidate_id !== this.taken) this.take(next, { focus: false });
    else if (!next) {
      this.putAside();
      this.taken = null;
      this.composer.value = "";
    }
    announce(isMarked ? _("%(letter)s is no longer marked.", { letter: letterOf(index) }) : _("%(letter)s is marked as equal.", { letter: letterOf(index) }));
    this.save();
    this.mark();
  }

  /** Whether two cards are marked as equal and nothing of them was edited, so that both may be sent. */
  get isPair() {
    return this.turn?.two_answers && this.tie?.length === 2 && !this.isOwn;
  }

  /** The judgement that sends this text. */
  verdict(text) {
    const taken = this.cards.candidates.find((candidate) => candidate.candidate_id === this.taken);
    if (taken && text === taken.text.trim()) {
      if (this.tie?.length > 1) return { kind: "tie", candidate_id: taken.candidate_id, candidate_ids: this.tie };
      return { kind: "pick", candidate_id: taken.candidate_id };
    }
    if (taken) return { kind: "edit", candidate_id: taken.candidate_id, text };
    return { kind: "own", text };
  }
}

/** Replaces a field's text so that the browser's own Ctrl+Z brings the old one back. */
function replaceText(field, text) {
  field.focus();
  field.select();
  const done = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
  if (!done || field.value !== text) field.value = text;
}
