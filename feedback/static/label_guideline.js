// The guideline beside the item: open until its reader has folded this version of it.

import { person } from "./outbox.js";
import { part } from "./notices.js";
import { keepValue, readKept } from "./storage.js";

export class Guideline {
  constructor(taskId) {
    Object.assign(this, { box: part("guideline"), key: `label-guideline:${person}:${taskId}`, version: null });
    this.box.addEventListener("toggle", () => this.reach());
    this.box.querySelector("summary").addEventListener("click", () => this.keep(!this.box.open));
  }

  show({ guideline, guideline_version: version }) {
    this.box.hidden = !guideline;
    part("guideline-words").textContent = guideline;
    if (version === this.version) return;
    this.version = version;
    this.box.open = readKept(this.key) !== version;
  }

  /** A long one scrolls by keys. */
  reach() {
    const words = part("guideline-words");
    if (words.scrollHeight > words.clientHeight) words.tabIndex = 0;
    else words.removeAttribute("tabindex");
  }

  toggle() {
    if (this.box.hidden) return;
    this.box.open = !this.box.open;
    this.keep(this.box.open);
  }

  keep(isOpen) {
    keepValue(this.key, isOpen ? null : this.version);
  }
}
