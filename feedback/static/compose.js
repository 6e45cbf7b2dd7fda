// The turn in hand: what the agent has chosen of its cards, what stands in the composer, and the draft of both.
// A draft is kept at every key press. Nothing here talks to the service.

import { letterOf } from "./cards.js";
import { dropDraft, keepDraft, readDraft, replaceText } from "./drafts.js";
import { announce, part } from "./notices.js";
import { _ } from "./i18n.js";

export function focusPage() {
  document.getElementById("main").focus({ preventScroll: true });
}

/** Everything about a turn; replaced as a whole when another is opened. */
function fresh(turn) {
  return { turn, set: null, taken: null, tie: null, none: false, closed: false, revealedAt: 0, stop: new AbortController(), busy: false };
}

export class Hand {
  constructor(composer, cards) {
    Object.assign(this, { composer, cards }, fresh(null));
  }

  /** Lets go of the turn and takes another, or none; gives the signal that ends with it. */
  hold(turn) {
    this.stop.abort();
    Object.assign(this, fresh(turn));
    return this.stop.signal;
  }

  holds(turn) {
    return this.turn?.turn_id === turn.turn_id;
  }

  /* Draft */

  restore() {
    const draft = readDraft(this.turn.turn_id);
    this.composer.value = draft?.text || "";
    this.taken = draft?.taken || null;
    this.none = Boolean(draft?.none);
    this.showOrigin();
  }

  save() {
    if (!this.turn) return;
    if (this.composer.value || this.none) keepDraft(this.turn.turn_id, { text: this.composer.value, taken: this.taken, none: this.none });
    else dropDraft(this.turn.turn_id);
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

  /** Puts a card into the composer to be sent at once; false where it cannot be. */
  chooseToSend(index) {
    const candidate = this.cards.usable(index);
    if (!candidate || this.busy) return false;
    if (this.tie && !this.tie.includes(candidate.candidate_id)) this.tie.push(candidate.candidate_id);
    this.take(candidate, { focus: false });
    return true;
  }

  take(candidate, { focus = true } = {}) {
    this.taken = candidate.candidate_id;
    replaceText(this.composer, candidate.text);
    if (!focus) focusPage();
    this.save();
    this.mark();
  }

  chooseNone() {
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
      this.taken = null;
      this.composer.value = "";
    }
    announce(isMarked ? _("%(letter)s is no longer marked.", { letter: letterOf(index) }) : _("%(letter)s is marked as equal.", { letter: letterOf(index) }));
    this.save();
    this.mark();
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
