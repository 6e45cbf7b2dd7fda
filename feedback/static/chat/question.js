// The one question after a conversation: how good was the last answer? The service says whether and from when on it is
// asked; it is answered or skipped once, and goes away when the customer writes on.

import { Refusal, read, write } from "../api.js";
import { _ } from "../i18n.js";

const SCORES = [1, 2, 3, 4, 5];

export class Question {
  constructor(box, place) {
    Object.assign(this, { box, place, isOver: false, timer: 0 });
  }

  get path() {
    return `/v1/conversations/${this.place.id}/question`;
  }

  /** Whether the last message is an answer, so that there is something to ask about. */
  set(isAnswered) {
    clearTimeout(this.timer);
    this.box.replaceChildren();
    this.box.hidden = true;
    if (isAnswered && !this.isOver && this.place.token) this.ask();
  }

  async ask() {
    try {
      const { question, asked_from } = await read(this.path, { token: this.place.token });
      if (question) this.show(question);
      else if (asked_from) this.timer = setTimeout(() => this.ask(), Math.max(1_000, new Date(asked_from) - Date.now()));
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault; // nothing is asked, then
    }
  }

  show(question) {
    const shownAt = performance.now();
    const words = document.createElement("p");
    words.id = "question-words";
    words.dir = "auto";
    words.textContent = question.text || _("How good was this answer?");
    const row = document.createElement("div");
    row.className = "row";
    row.setAttribute("role", "group");
    row.setAttribute("aria-labelledby", words.id);
    const answer = (score) => this.answer(question, score, Math.round(performance.now() - shownAt));
    row.append(...SCORES.map((score) => button(String(score), _("%(score)s of 5", { score }), () => answer(score))));
    row.append(button(_("Skip"), "", () => answer(null)));
    const scale = document.createElement("p");
    scale.className = "muted small";
    scale.textContent = _("1 is bad, 5 is very good.");
    this.box.replaceChildren(words, row, scale);
    this.box.hidden = false;
  }

  async answer({ task_id, message_id }, score, dwell_ms) {
    for (const each of this.box.querySelectorAll("button")) each.disabled = true;
    this.isOver = true;
    try {
      await write(this.path, { task_id, message_id, score, dwell_ms }, { token: this.place.token, keep: false });
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault; // answered in another window, or the talk went on
    }
    this.box.textContent = score === null ? "" : _("Thank you.");
    this.box.hidden = score === null;
  }
}

function button(words, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}
