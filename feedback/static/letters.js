// The switch for shortcuts of a single letter, digit or sign, which speech control or a slip can press by mistake. It is
// kept per person in this browser. Ctrl+Enter and Esc always work.

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

  /** Removes the key names from buttons while those keys do nothing. */
  show() {
    document.body.classList.toggle("without-letters", !this.on);
  }
}
