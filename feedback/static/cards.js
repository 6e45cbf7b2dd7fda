// The cards of one suggestion set: skeletons until all are there, then all at once, in the order the service gave.
// A card knows its letter, its text and whether it can be used, and nothing else.

import { showDifference } from "./difference.js";
import { _ } from "./i18n.js";

export const letterOf = (index) => String.fromCharCode(65 + index);

export class Cards {
  constructor(list, onTake) {
    Object.assign(this, { list, onTake, candidates: [], closed: false });
    this.list.addEventListener("click", (event) => {
      const card = event.target.closest("li[data-index]");
      if (card) this.onTake(Number(card.dataset.index), { sendNow: event.shiftKey });
    });
  }

  waitFor(count) {
    this.candidates = [];
    this.list.className = "cards";
    this.list.setAttribute("aria-busy", "true");
    this.list.replaceChildren(...Array.from({ length: count }, (_nothing, index) => skeleton(index)));
  }

  reveal(candidates) {
    this.candidates = candidates;
    this.closed = false;
    this.list.setAttribute("aria-busy", "false");
    this.list.replaceChildren(...candidates.map((candidate, index) => face(candidate, index)));
    this.list.classList.add("revealed");
  }

  clear() {
    this.candidates = [];
    this.list.setAttribute("aria-busy", "false");
    this.list.replaceChildren();
  }

  usable(index) {
    const candidate = this.candidates[index];
    return !this.closed && candidate?.state === "ready" ? candidate : null;
  }

  close() {
    this.closed = true;
    for (const button of this.list.querySelectorAll("button")) button.disabled = true;
  }

  reopen() {
    this.closed = false;
    for (const [index, button] of [...this.list.querySelectorAll("button")].entries()) {
      button.disabled = this.candidates[index]?.state !== "ready";
    }
  }

  /** Shows which card is in the composer, its edited text, and which cards are marked as equal. */
  show({ taken, equal, text }) {
    for (const [index, card] of [...this.list.children].entries()) {
      const id = this.candidates[index]?.candidate_id;
      card.classList.toggle("taken", id === taken);
      card.classList.toggle("equal", Boolean(equal?.includes(id)));
      card.firstElementChild.setAttribute("aria-pressed", String(id === taken || Boolean(equal?.includes(id))));
      this.showText(card.querySelector(".text"), this.candidates[index], id === taken ? text : null);
    }
  }

  showText(place, candidate, text) {
    if (candidate?.state !== "ready") return;
    if (text && text !== candidate.text) showDifference(place, candidate.text, text);
    else if (place.firstElementChild) place.textContent = candidate.text; // this card is no longer the edited one
  }
}

function shell(index) {
  const card = document.createElement("li");
  card.className = "card";
  card.dataset.index = String(index);
  const button = document.createElement("button");
  button.type = "button";
  const letter = document.createElement("span");
  letter.className = "letter";
  letter.textContent = letterOf(index);
  const hint = document.createElement("span");
  hint.className = "hint";
  const key = document.createElement("kbd");
  key.textContent = String(index + 1);
  hint.append(key);
  button.append(letter, hint);
  card.append(button);
  return card;
}

function skeleton(index) {
  const card = shell(index);
  card.firstElementChild.disabled = true;
  for (let line = 0; line < 2; line += 1) {
    const bone = document.createElement("span");
    bone.className = "bone";
    card.firstElementChild.append(bone);
  }
  return card;
}

function face(candidate, index) {
  const card = shell(index);
  const text = document.createElement("span");
  text.className = "text";
  text.dir = "auto";
  if (candidate.state === "ready") {
    text.textContent = candidate.text;
  } else {
    card.classList.add("unavailable");
    card.firstElementChild.disabled = true;
    text.textContent = _("No suggestion here this time.");
  }
  card.firstElementChild.append(text);
  return card;
}
