// An answer that is written: a reply as it should be. E begins to edit, Enter sends, Shift+Enter begins a new line.

import { _ } from "./i18n.js";
import { isImeCommit } from "./keys.js";
import { make, replyPanel } from "./label_shown.js";

class Rewriting {
  constructor(box, reply, { onChange, onSend, maxText }) {
    Object.assign(this, { reply, onSend, letters: { e: () => this.edit() } });
    this.field = make("textarea");
    Object.assign(this.field, { value: reply, maxLength: maxText, rows: 6, dir: "auto" });
    this.field.dataset.part = "text";
    this.field.addEventListener("input", () => {
      this.say();
      onChange();
    });
    this.field.addEventListener("keydown", (event) => this.press(event));
    this.state = make("p", "small muted");
    const title = make("span", "", _("As it should be"), " ", make("kbd", "", "e"));
    box.append(replyPanel(_("Reply"), reply, "reply"), make("label", "stack", title, this.field), this.state);
    this.say();
  }

  edit() {
    this.field.focus();
    this.field.setSelectionRange(this.field.value.length, this.field.value.length);
  }

  say() {
    const { value } = this.field;
    if (!value.trim()) this.state.textContent = _("Write the reply as it should be.");
    else this.state.textContent = value === this.reply ? _("Unchanged: Enter says that it is good as it is.") : _("Changed.");
  }

  press(event) {
    if (isImeCommit(event) || event.repeat || event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.onSend();
  }

  pressDigit() {}

  get fields() {
    const text = this.field.value;
    if (text === this.reply) return { value: { unchanged: true } };
    return text.trim() ? { value: { unchanged: false }, text } : null;
  }

  restore({ text }) {
    if (typeof text === "string") this.field.value = text;
    this.say();
  }
}

/** One reply: how it should be. */
export function rewrite(box, { shown }, hooks) {
  return new Rewriting(box, shown.reply, hooks);
}
