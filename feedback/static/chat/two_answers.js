// Two answers of which the customer picks one: both texts with a button each, beneath them "both" and "neither". What is
// picked comes back as a message; writing on instead ends that.

import { Refusal, write } from "../api.js";
import { linked } from "../links.js";
import { _ } from "../i18n.js";

export class TwoAnswers {
  /** `onPicked` takes the focus, if the button that had it goes away. */
  constructor(box, place, { onPicked }) {
    Object.assign(this, { box, place, onPicked, id: "" });
  }

  /** Shows the two answers that the service offers, or none; tells whether they are new. */
  set(offered) {
    const id = offered?.message_id ?? "";
    if (id === this.id) return false;
    this.id = id;
    this.box.replaceChildren();
    this.box.hidden = !offered;
    if (offered) this.show(offered);
    return Boolean(offered);
  }

  show({ first, second }) {
    const shownAt = performance.now();
    const act = (answer) => () => this.pick(answer, Math.round(performance.now() - shownAt));
    const words = document.createElement("p");
    words.textContent = _("Here are two answers. Which one helps you more?");
    const pair = document.createElement("div");
    pair.className = "pair";
    pair.append(
      side(_("First answer"), first, button(_("The first"), act("first"))),
      side(_("Second answer"), second, button(_("The second"), act("second"))),
    );
    const row = document.createElement("div");
    row.className = "row";
    row.append(button(_("Both are fine"), act("both")), button(_("Neither"), act("neither")));
    this.box.replaceChildren(words, pair, row);
  }

  async pick(answer, dwell_ms) {
    if (this.box.contains(document.activeElement)) this.onPicked();
    const buttons = [...this.box.querySelectorAll("button")];
    for (const each of buttons) each.disabled = true;
    try {
      const path = `/v1/conversations/${this.place.id}/two-answers`;
      await write(path, { message_id: this.id, answer, dwell_ms }, { token: this.place.token, keep: false });
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      for (const each of buttons) each.disabled = false; // what was picked in another window, the messages tell
    }
  }
}

function side(name, text, pick) {
  const made = document.createElement("div");
  made.setAttribute("role", "group");
  made.setAttribute("aria-label", name);
  const head = document.createElement("p");
  head.className = "muted small";
  head.textContent = name;
  const words = document.createElement("p");
  words.dir = "auto";
  words.className = "words";
  words.append(linked(text));
  made.append(head, words, pick);
  return made;
}

function button(words, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  made.addEventListener("click", act);
  return made;
}
