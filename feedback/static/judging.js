// The agent's decision on the open turn: no card is good, skip, or send a reply. Replies that are not answered at once
// are handled by sending.js.

import { Refusal, write } from "./api.js";
import { announce, notice, showState } from "./notices.js";
import { takeBackSent } from "./undo.js";
import { _ } from "./i18n.js";

export class Judging {
  /** `desk` has the page's parts and what happens next: hand, cards, queue, notebook, sending, undo, reasons,
   *  openTurn, onRefusal. */
  constructor(desk, { undoSeconds }) {
    Object.assign(this, { desk, undoSeconds });
  }

  async judgeNone() {
    const { hand, cards } = this.desk;
    if (!cards.candidates.length || cards.closed || hand.none || hand.busy) return;
    const { turn } = hand;
    hand.chooseNone();
    const answer = await this.explaining(() => this.judge({ kind: "none" }), turn); // writes sent meanwhile are queued
    if (answer) this.offerUndo(answer, { turn, kind: "none", words: _("Noted: none is good.") });
  }

  async skip() {
    const { hand, queue, openTurn } = this.desk;
    if (!hand.turn || hand.busy) return;
    const { turn } = hand;
    queue.skipped.add(turn.turn_id);
    if (hand.set?.state === "ready" && !hand.closed) {
      const answer = await this.saving(() => this.judge({ kind: "skip" }), turn);
      if (answer) this.offerUndo(answer, { turn, kind: "skip", words: _("Skipped.") });
    }
    await queue.refresh();
    const other = queue.next(turn.turn_id);
    if (other) openTurn(other);
    else announce(_("No other turn is waiting."));
  }

  takeAndSend(index) {
    if (this.desk.hand.chooseToSend(index)) this.send();
  }

  /** Sends both cards that are marked as equal; the customer picks one. */
  sendBoth() {
    if (this.desk.hand.isPair) this.send({ both: true });
    else announce(_("Mark two equally good ones first."));
  }

  async send(more = {}) {
    const { hand, sending } = this.desk;
    if (!hand.turn || hand.busy) return;
    const text = hand.composer.value.trim();
    if (!text) {
      announce(_("Take a card or write a reply first."));
      hand.composer.focus();
      return;
    }
    const { turn, fields } = hand;
    const judged = ["ready", "failed"].includes(hand.set?.state); // a failed set counts too: a reply by hand to it can be undone
    const path = judged ? this.path : `/v1/conversations/${turn.conversation_id}/messages`;
    const body = judged ? this.timed({ ...hand.verdict(text), ...more }) : { role: "agent", text, turn_id: turn.turn_id };
    hand.composer.readOnly = true;
    await this.saving(() => sending.send(path, body, { turn, fields: { ...fields, kind: body.kind }, asked: turn.text }), turn);
  }

  judge(fields) {
    const { turn } = this.desk.hand;
    return write(this.path, this.timed(fields), { onState: showState, line: turn.conversation_id });
  }

  get path() {
    return `/v1/sets/${this.desk.hand.set.set_id}/judgements`;
  }

  timed(fields) {
    const { revealedAt } = this.desk.hand;
    const body = { ...fields, occurred_at: new Date().toISOString() };
    return revealedAt ? { ...body, dwell_ms: Math.round(performance.now() - revealedAt) } : body;
  }

  /** Runs one write and blocks other writes of this turn until it is answered. */
  async saving(post, turn) {
    const { hand } = this.desk;
    hand.busy = true;
    hand.showOrigin();
    try {
      return await this.explaining(post, turn);
    } finally {
      if (hand.holds(turn)) hand.unlock();
    }
  }

  /** Explains a refusal and returns null; the draft stays. */
  async explaining(post, turn) {
    const { hand, onRefusal } = this.desk;
    try {
      return await post();
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      if (hand.holds(turn)) onRefusal(fault);
      return null;
    }
  }

  offerUndo(answer, verdict) {
    const id = answer.judgement_id || answer.message_id;
    this.desk.undo.offer({ ...verdict, id, takeBack: () => takeBackSent(answer) }, this.undoSeconds);
  }

  /** A decision that is still being sent cannot be undone yet, and the one before it must not be undone instead. */
  takeBack() {
    const { hand, undo } = this.desk;
    if (hand.busy) announce(_("This is still being saved. Press Z again once it is."));
    else undo.undo();
  }

  /** Reopens the turn whose decision was undone. */
  async onUndone(verdict, answer) {
    const { hand, queue, notebook, reasons, openTurn } = this.desk;
    reasons.hide();
    showState("");
    if (answer.message === "sent") {
      notice(answer.undo_id ? _("The customer has it already. The choice is withdrawn and trains nothing.") : _("The customer has it already."));
      return;
    }
    announce(_("Taken back."));
    if (verdict.kind === "closed") {
      queue.change();
      await queue.refresh();
      return;
    }
    if (verdict.kind === "none") notebook.clear(verdict.turn.conversation_id);
    queue.skipped.delete(verdict.turn.turn_id);
    queue.change();
    await queue.refresh();
    if (verdict.kind === "none" && hand.holds(verdict.turn)) {
      hand.takeBackNone();
      return;
    }
    const turn = queue.find(verdict.turn.turn_id) || queue.ofConversation(verdict.turn.conversation_id) || verdict.turn;
    if (!turn.turn_id) { // it answered no message, and none waits
      notice(_("Taken back: %(words)s", { words: verdict.text }));
      return;
    }
    const taken = turn.turn_id === verdict.turn.turn_id ? verdict.taken : null; // a newer message has other suggestions
    if (verdict.kind === "sent") notebook.giveBack(turn.conversation_id, { text: verdict.text, taken, turn_id: turn.turn_id });
    hand.closed = true;
    await openTurn(turn);
  }
}
