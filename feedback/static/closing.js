// Closes turns that need no reply, and undoes that: the key `c` closes the marked turns in the queue, as spam and many at
// once, else the open turn, whose customer only says thanks. The queue knows which rows are marked. A draft for a turn is
// kept when the turn is closed.

import { Refusal, write } from "./api.js";
import { _ } from "./i18n.js";
import { announce, explain, part, showState } from "./notices.js";
import { reopen, split } from "./undo.js";

export class Closing {
  /** `inHand` returns the turn that is open and can be answered; `onClosed` gets the ids of the closed turns; `undo`
   *  offers to undo that for these seconds. */
  constructor(queue, { undo, undoSeconds, inHand, onClosed }) {
    const [button, words, visitors, unneeded] = ["close-marked", "close-words", "mark-visitors", "no-reply"].map(part);
    Object.assign(this, { queue, undo, undoSeconds, inHand, onClosed, button, words, visitors, unneeded, busy: false });
    queue.onMark = () => this.draw();
    button.addEventListener("click", () => this.closeMarked());
    visitors.addEventListener("click", () => this.markVisitors());
    unneeded.addEventListener("click", () => this.closeInHand());
  }

  draw() {
    const count = this.queue.marked.size;
    this.button.hidden = count === 0;
    this.words.textContent = _("Close %(count)s as spam", { count });
    this.visitors.hidden = this.list().length < 2;
    this.unneeded.querySelector("kbd").hidden = count > 0; // then the key closes the marked turns
  }

  /** Turns that were opened on the public chat page and that no colleague has claimed. */
  list() {
    return this.queue.turns.filter((turn) => turn.by_stranger && this.queue.isMine(turn));
  }

  markVisitors() {
    this.queue.mark(...this.list().map((turn) => turn.turn_id));
  }

  close() {
    return this.queue.marked.size ? this.closeMarked() : this.closeInHand();
  }

  async closeMarked() {
    const closed = await this.post([...this.queue.marked], "spam");
    if (!closed) return;
    this.queue.unmark();
    if (closed.length) this.announceClosed(closed, { kind: "closed", words: _("%(count)s closed as spam.", { count: closed.length }) });
  }

  async closeInHand() {
    const turn = this.inHand();
    if (!turn) return;
    const closed = await this.post([turn.turn_id], "no_reply");
    if (closed?.length) this.announceClosed(closed, { kind: "no_reply", turn, words: _("Closed without a reply.") });
    else if (closed) announce(_("A colleague is answering this one, or it waits no longer."));
  }

  /** The ids of the turns that were closed; null while another closing is being sent. */
  async post(ids, reason) {
    if (this.busy) return null;
    this.busy = true;
    const closed = [];
    try {
      for (const some of split(ids)) {
        const answer = await write("/v1/turns/close", { turn_ids: some, reason }, { onState: showState });
        closed.push(...answer.closed);
      }
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      explain(fault);
    } finally {
      this.busy = false;
    }
    showState("");
    return closed;
  }

  announceClosed(closed, verdict) {
    this.undo.offer({ ...verdict, id: closed[0], takeBack: () => reopen(closed) }, this.undoSeconds);
    announce(verdict.words);
    this.queue.change(...closed);
    this.onClosed(closed);
  }
}
