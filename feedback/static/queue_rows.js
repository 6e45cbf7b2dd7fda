// The rows of the queue, one for each waiting turn. Rows never move under a pointer: while the pointer presses or moves
// over the list, rows of turns that left stay, faded, until it rests or leaves.

import { makeRow, showGone, showWait, updateRow } from "./queue_row.js";

const REST_MS = 2500; // after its last move a pointer rests: the person uses the keyboard

export class QueueRows {
  constructor(list) {
    Object.assign(this, { list, rows: new Map(), leaving: new Map(), isOver: false, isDown: false, movedAt: 0, timer: 0 });
    for (const type of ["pointerenter", "pointermove", "pointerdown"]) {
      list.addEventListener(type, (event) => {
        Object.assign(this, { isOver: true, movedAt: performance.now(), isDown: event.buttons > 0 });
      });
    }
    list.addEventListener("pointerleave", () => {
      this.isOver = false;
      this.settle();
    });
    for (const type of ["pointerup", "pointercancel"]) {
      window.addEventListener(type, () => {
        this.isDown = false;
        this.settleSoon(0); // the click is handled first
      });
    }
  }

  get(turnId) {
    return this.rows.get(turnId);
  }

  /** Shows these turns in this order. `look` gives the state of a turn's row: see updateRow. */
  draw(turns, look) {
    const waiting = new Set(turns.map((turn) => turn.turn_id));
    for (const [id, row] of this.rows) if (!waiting.has(id)) this.leave(id, row);
    let next = this.skipLeaving(this.list.firstElementChild);
    for (const turn of turns) {
      const row = this.rows.get(turn.turn_id) || this.enter(turn);
      updateRow(row, turn, look(turn));
      if (row === next) next = this.skipLeaving(row.nextElementSibling);
      else this.list.insertBefore(row, next);
    }
  }

  drawWaits() {
    for (const row of this.rows.values()) showWait(row);
  }

  /** Clears the rows for another list at once. */
  clear() {
    this.list.replaceChildren();
    this.rows.clear();
    this.leaving.clear();
  }

  /** A new row, or the one of this turn that was about to leave. */
  enter(turn) {
    const row = this.leaving.get(turn.turn_id) || makeRow(turn);
    this.leaving.delete(turn.turn_id);
    this.rows.set(turn.turn_id, row);
    return row;
  }

  skipLeaving(row) {
    while (row && this.leaving.has(row.lastElementChild.dataset.turn)) row = row.nextElementSibling;
    return row;
  }

  leave(turnId, row) {
    this.rows.delete(turnId);
    if (this.holdMs() === 0) {
      this.remove(row);
      return;
    }
    this.leaving.set(turnId, row);
    showGone(row);
    this.settleSoon(this.holdMs());
  }

  /** How long leaving rows keep their place, as far as is known now. */
  holdMs() {
    if (this.isDown) return REST_MS;
    return this.isOver ? Math.max(0, this.movedAt + REST_MS - performance.now()) : 0;
  }

  settleSoon(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settle(), ms);
  }

  settle() {
    if (!this.leaving.size) return;
    if (this.holdMs() > 0) {
      this.settleSoon(this.holdMs());
      return;
    }
    for (const row of this.leaving.values()) this.remove(row);
    this.leaving.clear();
  }

  remove(row) {
    const near = row.nextElementSibling || row.previousElementSibling;
    const hadFocus = row.contains(document.activeElement);
    row.remove();
    if (hadFocus) near?.lastElementChild.focus({ preventScroll: true });
  }
}
