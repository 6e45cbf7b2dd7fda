// Claims on turns: reports which turn this person looks at, claims it with the first key that changes something, keeps
// the claim while they are here, and releases it when they leave. Looking claims nothing.

import { Refusal, put, write } from "./api.js";
import { _ } from "./i18n.js";
import { notice, part } from "./notices.js";

const together = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" });
const BEAT_MS = 20_000; // a claim lasts a minute

/** Who else works on a turn, in words; empty for nobody. */
export function describeOthers(turn) {
  if (turn.claimed_by && !turn.claimed_by_me) return _("%(name)s is answering", { name: turn.claimed_by_name });
  if (turn.readers.length > 1) return _("%(names)s are reading", { names: together.format(turn.readers) });
  return turn.readers.length ? _("%(name)s is reading", { name: turn.readers[0] }) : "";
}

export class Holding {
  /** `onChange` is called when a colleague claims the open turn (with their name) or releases it (null). */
  constructor({ queue, onChange, onRefused }) {
    Object.assign(this, { queue, onChange, onRefused, turn: null, isMine: false, isAsking: false, other: null });
    Object.assign(this, { isReporting: false, isDue: false, isGone: false, left: [], claims: 0 });
    setInterval(() => this.report(), BEAT_MS);
    document.addEventListener("visibilitychange", () => this.report());
    addEventListener("pageshow", (event) => event.persisted && this.comeBack());
    addEventListener("pagehide", () => this.leave());
    part("take-over").addEventListener("click", () => this.takeOver());
  }

  /** From now on this turn is looked at, or none. */
  look(turn) {
    if (this.isMine && this.turn.turn_id !== turn?.turn_id) this.left.push(this.turn.turn_id);
    Object.assign(this, { turn, isMine: Boolean(turn?.claimed_by_me), isAsking: false, other: null });
    this.show();
    this.report();
  }

  /** In a hidden window an agent who is answering keeps the claim; an agent who was only reading counts as gone. */
  get shown() {
    return this.turn && (this.isMine || !document.hidden) ? this.turn.turn_id : null;
  }

  /** Sends one report at a time; changes in between go with the next one. A lost report is replaced by the next beat. */
  async report() {
    this.isDue = true;
    if (this.isReporting || this.isGone) return;
    this.isReporting = true;
    while (this.isDue && !this.isGone) {
      this.isDue = false;
      const { shown, claims } = this;
      const left = this.left.shift() ?? null;
      if (this.left.length) this.isDue = true;
      try {
        const { claimed_by_me } = await put("/v1/presence", { turn_id: shown, left });
        const isNews = shown && shown === this.turn?.turn_id && !this.isAsking && claims === this.claims;
        if (isNews) this.isMine = claimed_by_me;
      } catch (fault) {
        if (left && !(fault instanceof Refusal && fault.status < 500)) this.left.unshift(left);
      }
    }
    this.isReporting = false;
  }

  /** The last report of a page that closes. Browsers hide the page after that, which must not report it as present
   *  again. */
  leave() {
    this.isGone = true;
    const left = this.isMine || this.isAsking ? this.turn.turn_id : this.left[0];
    put("/v1/presence", { here: false, left }, { keepalive: true }).catch(() => {});
  }

  comeBack() {
    this.isGone = false;
    this.report();
  }

  /** Claims the turn with the first key that changes something. */
  take() {
    if (this.turn && !this.isMine && !this.isAsking && !this.other) this.claim(false);
  }

  takeOver() {
    if (this.turn && this.other) this.claim(true);
  }

  async claim(take_over) {
    const { turn } = this;
    this.isAsking = true;
    try {
      await write(`/v1/turns/${turn.turn_id}/claim`, { take_over }, { keep: false });
      if (this.turn !== turn) {
        this.left.push(turn.turn_id); // the agent has moved on meanwhile
        this.report();
        return;
      }
      Object.assign(this, { isMine: true, claims: this.claims + 1 });
      this.hear({ ...turn, claimed_by: "me", claimed_by_me: true, readers: turn.readers });
      this.queue.change(); // an answer requested before this is out of date
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      if (this.turn === turn && fault.code !== "turn_claimed") this.onRefused(fault);
    } finally {
      if (this.turn === turn) this.isAsking = false;
      this.queue.refresh();
    }
  }

  /** Explains why a send was refused. */
  sayNotSent() {
    const words = _("Not sent: %(name)s is answering this one. Your text is kept below.", { name: this.other });
    if (this.other) notice(words, "warn");
  }

  /** Takes over what the queue says about the open turn. */
  hear(turn) {
    if (!turn || turn.turn_id !== this.turn?.turn_id) return;
    this.turn = Object.assign(this.turn, { readers: turn.readers });
    const other = turn.claimed_by && !turn.claimed_by_me ? turn.claimed_by_name : null;
    const wasMine = this.isMine;
    if (other) this.isMine = false;
    this.show(describeOthers(turn));
    if (other === this.other) return;
    this.other = other;
    part("take-over").hidden = !other;
    this.onChange(other, { wasMine });
  }

  show(words = this.turn ? describeOthers(this.turn) : "") {
    part("others").textContent = words;
    part("take-over").hidden = !this.other;
  }
}
