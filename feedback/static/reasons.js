// Chips that ask for a reason, for a few seconds after a verdict: answering is optional, and nothing waits for it. Each
// click sends all chosen reasons; the last ones sent count.

import { Refusal, write } from "./api.js";
import { _ } from "./i18n.js";
import { announce, explain } from "./notices.js";

const SHOWN_MS = 4000;
const REASONS = {
  q: ["facts_wrong", () => _("Facts wrong")],
  w: ["not_answered", () => _("Did not answer")],
  e: ["tone", () => _("Tone")],
  r: ["too_long", () => _("Too long")],
  t: ["unsafe", () => _("Unsafe")],
};

export class Reasons {
  constructor(bar) {
    Object.assign(this, { bar, judgementId: null, sent: Promise.resolve(), timer: null });
    this.words = bar.querySelector("[data-words]");
    this.chips = bar.querySelector("[data-chips]");
    this.chips.replaceChildren(...Object.entries(REASONS).map(([key, [code, label]]) => this.chip(key, code, label())));
    for (const event of ["pointerenter", "focusin"]) bar.addEventListener(event, () => clearTimeout(this.timer));
    for (const event of ["pointerleave", "focusout"]) bar.addEventListener(event, () => this.wait());
  }

  chip(key, code, label) {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.dataset.reason = code;
    const hint = document.createElement("kbd");
    hint.textContent = key;
    chip.append(label, " ", hint);
    chip.addEventListener("click", () => this.press(key));
    return chip;
  }

  /** Asks about this judgement: what was wrong with the card or, if one was good enough, with the others. */
  offer(judgementId, kind) {
    this.judgementId = judgementId;
    this.words.textContent = kind === "pick" || kind === "tie" ? _("Anything wrong with the others?") : _("What was wrong?");
    for (const chip of this.chips.children) chip.setAttribute("aria-pressed", "false");
    this.bar.hidden = false;
    this.wait();
  }

  wait() {
    clearTimeout(this.timer);
    if (!this.bar.hidden) this.timer = setTimeout(() => this.hide(), SHOWN_MS);
  }

  hide() {
    clearTimeout(this.timer);
    if (this.bar.contains(document.activeElement)) document.getElementById("main").focus({ preventScroll: true });
    this.bar.hidden = true;
  }

  /** The keys and what they do; empty while nothing is asked. */
  keys() {
    return Object.fromEntries(Object.keys(REASONS).map((key) => [key, () => this.press(key)]));
  }

  press(key) {
    if (this.bar.hidden) return;
    const chip = this.chips.querySelector(`[data-reason="${REASONS[key][0]}"]`);
    chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
    const reasons = [...this.chips.querySelectorAll('[aria-pressed="true"]')].map((pressed) => pressed.dataset.reason);
    const path = `/v1/judgements/${this.judgementId}/reasons`;
    this.sent = this.sent.then(() => write(path, { reasons })).then(() => announce(_("Noted.")), showFault);
    if (!this.bar.matches(":hover, :focus-within")) this.wait();
  }
}

function showFault(fault) {
  if (!(fault instanceof Refusal)) throw fault;
  explain(fault);
}
