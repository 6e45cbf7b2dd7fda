// Closing as spam what is marked in the queue, many at once, and taking that back. Which rows are marked the queue knows.

import { Refusal, write } from "./api.js";
import { _ } from "./i18n.js";
import { announce, explain, part, showState } from "./notices.js";

const AT_ONCE = 200; // turns in one call

export class Closing {
  /** `onClosed` is told the ids of the turns; `undo` offers to take them back for these seconds. */
  constructor(queue, { undo, undoSeconds, onClosed }) {
    const [button, words, visitors] = ["close-marked", "close-words", "mark-visitors"].map(part);
    Object.assign(this, { queue, undo, undoSeconds, onClosed, button, words, visitors, busy: false });
    queue.onMark = () => this.draw();
    button.addEventListener("click", () => this.close());
    visitors.addEventListener("click", () => this.markVisitors());
  }

  draw() {
    const count = this.queue.marked.size;
    this.button.hidden = count === 0;
    this.words.textContent = _("Close %(count)s as spam", { count });
    this.visitors.hidden = this.list().length < 2;
  }

  /** Turns that anybody opened on the chat page and no colleague holds. */
  list() {
    return this.queue.turns.filter((turn) => turn.by_stranger && this.queue.isMine(turn));
  }

  markVisitors() {
    this.queue.mark(...this.list().map((turn) => turn.turn_id));
  }

  async close() {
    const ids = [...this.queue.marked];
    if (!ids.length) announce(_("Mark turns first."));
    if (!ids.length || this.busy) return;
    this.busy = true;
    const closed = [];
    try {
      for (const some of split(ids)) {
        const answer = await write("/v1/turns/close", { turn_ids: some, reason: "spam" }, { onState: showState });
        closed.push(...answer.closed);
      }
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      explain(fault);
    } finally {
      this.busy = false;
    }
    showState("");
    this.queue.unmark();
    if (!closed.length) return;
    const words = _("%(count)s closed as spam.", { count: closed.length });
    this.undo.offer({ kind: "closed", words, takeBack: () => reopen(closed) }, this.undoSeconds);
    announce(words);
    this.queue.change(...closed);
    this.onClosed(closed);
  }
}

async function reopen(ids) {
  for (const some of split(ids)) await write("/v1/turns/reopen", { turn_ids: some });
  return {};
}

function split(ids) {
  return Array.from({ length: Math.ceil(ids.length / AT_ONCE) }, (_none, at) => ids.slice(at * AT_ONCE, (at + 1) * AT_ONCE));
}
