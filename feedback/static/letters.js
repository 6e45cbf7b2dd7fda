// The switch for keys of a single letter, digit or sign, which speech control and a slip of the hand press by mistake: kept
// for the person in this browser. Ctrl+Enter and Esc stay.

import { keepValue, readKept } from "./storage.js";

export class Letters {
  constructor(box) {
    const kept = `letters:${document.body.dataset.person}`;
    Object.assign(this, { box, on: readKept(kept) ?? true });
    box.checked = this.on;
    box.addEventListener("change", () => {
      this.on = box.checked;
      keepValue(kept, this.on);
      this.show();
    });
    this.show();
  }

  /** Buttons do not name keys that do nothing. */
  show() {
    document.body.classList.toggle("without-letters", !this.on);
  }
}
