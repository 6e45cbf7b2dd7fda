// The bar that shows the last verdict and how long it can still be taken back before the customer sees it.
// After that, undo withdraws the choice and the message stays; the service says which of the two happened.

import { Refusal } from "./api.js";
import { _, spanOf } from "./i18n.js";

const LATER_MS = 10 * 60 * 1000;

export class Undo {
  constructor(bar, { onUndone, onRefused, announce }) {
    Object.assign(this, { bar, onUndone, onRefused, announce, last: null, timer: null });
    this.words = bar.querySelector("[data-words]");
    this.count = bar.querySelector("[data-count]");
    this.progress = bar.querySelector("progress");
    bar.querySelector("button").addEventListener("click", () => this.undo());
  }

  /** `verdict`: words, `takeBack()` and whatever the page needs to come back to the turn. */
  offer(verdict, seconds) {
    this.last = { ...verdict, at: Date.now() };
    this.words.textContent = verdict.words;
    this.bar.hidden = false;
    const end = Date.now() + seconds * 1000;
    clearInterval(this.timer);
    const tick = () => {
      const left = Math.max(0, end - Date.now());
      this.count.textContent = spanOf(Math.ceil(left / 1000));
      this.progress.value = left / (seconds * 1000);
      if (left === 0) this.hide();
    };
    tick();
    this.timer = setInterval(tick, 200);
  }

  hide() {
    clearInterval(this.timer);
    this.bar.hidden = true;
  }

  async undo() {
    const verdict = this.last;
    if (!verdict || Date.now() - verdict.at > LATER_MS) {
      this.announce(_("There is nothing to take back."));
      return;
    }
    this.last = null;
    this.hide();
    try {
      this.onUndone(verdict, await verdict.takeBack());
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      this.onRefused(fault);
    }
  }
}
