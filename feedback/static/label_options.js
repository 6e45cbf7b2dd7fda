// Answers that are chosen from a list, several at once: tags of a conversation, good replies among several. Digits choose
// the first nine that are shown; a long list is searched.

import { _ } from "./i18n.js";
import { isImeCommit } from "./keys.js";
import { make, tagWords } from "./label_shown.js";
import { announce } from "./notices.js";
import { linked } from "./links.js";

const NUMBERED = 9;
const SHOWN = 60; // rows; a search narrows a longer list
const plain = (text) => text.normalize("NFKC").toLowerCase();

/** `options` have a key, words and what a search looks through; `onChange` is called when the choice changes. */
class Options {
  constructor(box, options, { onChange, onSend, isLong, look = "" }) {
    Object.assign(this, { options, onChange, onSend, chosen: new Set(), isNone: false, letters: {}, search: null });
    this.chips = make("p", "row chips");
    this.list = make("ol", `options ${look}`);
    this.list.dataset.part = "options";
    this.more = make("p", "small muted");
    if (isLong) box.append(this.searchField(), this.chips);
    box.append(this.list, this.more, this.noneBox());
    this.list.addEventListener("change", ({ target }) => this.toggle(this.options[Number(target.value)]));
    this.draw();
  }

  searchField() {
    this.search = make("input");
    Object.assign(this.search, { type: "search", placeholder: _("Search the tags") });
    this.search.setAttribute("aria-keyshortcuts", "/");
    this.search.dataset.part = "search";
    this.search.addEventListener("input", () => this.draw());
    this.search.addEventListener("keydown", (event) => this.pressInSearch(event));
    this.letters["/"] = () => this.search.focus();
    return make("label", "search", make("span", "", _("Search"), " ", make("kbd", "", "/")), this.search);
  }

  noneBox() {
    this.none = make("input");
    this.none.type = "checkbox";
    this.none.dataset.part = "none";
    this.none.addEventListener("change", () => this.toggleNone());
    return make("label", "option none", this.none, make("kbd", "", "0"), make("span", "", _("None of them")));
  }

  matching() {
    const terms = plain(this.search?.value ?? "").split(/\s+/).filter(Boolean);
    return this.options.filter(({ sought }) => terms.every((term) => sought.includes(term)));
  }

  draw() {
    const found = this.matching();
    this.shown = found.slice(0, SHOWN);
    this.list.replaceChildren(...this.shown.map((option, at) => this.row(option, at)));
    this.more.hidden = found.length > 0 && found.length <= SHOWN;
    this.more.textContent = found.length ? _("%(count)s more: search for them.", { count: found.length - SHOWN }) : _("No tag has these words.");
    this.mark();
  }

  row(option, at) {
    const box = make("input");
    Object.assign(box, { type: "checkbox", value: String(this.options.indexOf(option)) });
    const words = make("span", "words", ...option.words);
    words.dir = "auto";
    const key = at < NUMBERED ? [make("kbd", "", String(at + 1))] : [];
    return make("li", "", make("label", "option", box, ...key, words));
  }

  /** Shows what is chosen. */
  mark() {
    this.none.checked = this.isNone;
    for (const box of this.list.querySelectorAll("input")) box.checked = this.chosen.has(this.options[Number(box.value)].key);
    this.chips.replaceChildren(...this.options.filter(({ key }) => this.chosen.has(key)).map((option) => this.chip(option)));
  }

  chip(option) {
    const button = make("button", "", option.name, " ×");
    button.type = "button";
    button.setAttribute("aria-label", _("Take off: %(name)s", { name: option.name }));
    button.addEventListener("click", () => this.toggle(option));
    return button;
  }

  toggle(option) {
    const isOn = !this.chosen.delete(option.key);
    if (isOn) this.chosen.add(option.key);
    this.isNone = false;
    this.mark();
    announce(isOn ? _("Chosen: %(name)s", { name: option.name }) : _("Taken off: %(name)s", { name: option.name }));
    this.onChange();
  }

  toggleNone() {
    this.isNone = !this.isNone;
    this.chosen.clear();
    this.mark();
    announce(this.isNone ? _("Chosen: %(name)s", { name: _("None of them") }) : _("Taken off: %(name)s", { name: _("None of them") }));
    this.onChange();
  }

  pressDigit(digit) {
    if (digit === 0) this.toggleNone();
    else if (this.shown[digit - 1]) this.toggle(this.shown[digit - 1]);
  }

  /** Enter chooses the first one that is found, and sends where nothing is sought. */
  pressInSearch(event) {
    if (isImeCommit(event) || event.repeat || event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    if (!this.search.value.trim()) {
      this.onSend();
    } else if (this.shown.length) {
      const [first] = this.shown;
      this.search.value = "";
      this.draw();
      this.toggle(first);
    }
  }

  choose(keys, isNone) {
    this.chosen = new Set(keys.filter((key) => this.options.some((option) => option.key === key)));
    this.isNone = isNone && !this.chosen.size;
    this.mark();
  }

  get isAnswered() {
    return this.isNone || this.chosen.size > 0;
  }

  /** The chosen keys, in the order of the options. */
  get keys() {
    return this.options.map(({ key }) => key).filter((key) => this.chosen.has(key));
  }
}

class Tags extends Options {
  get fields() {
    return this.isAnswered ? { value: { tags: this.keys } } : null;
  }

  restore({ value }) {
    this.choose(value?.tags ?? [], Boolean(value?.tags));
  }
}

/** A conversation: what it is about. */
export function tag(box, { question }, hooks) {
  const options = question.options.map((path) => {
    const name = tagWords(question, path);
    const words = plain(name) === plain(path) ? [name] : [name, " ", make("span", "muted small", path)];
    return { key: path, name, words, sought: plain(`${name} ${path}`) };
  });
  return new Tags(box, options, { ...hooks, isLong: options.length > NUMBERED });
}

class Picks extends Options {
  get fields() {
    return this.isAnswered ? { value: this.isNone ? { none: true } : { picked: this.keys } } : null;
  }

  restore({ value }) {
    this.choose(value?.picked ?? [], Boolean(value?.none));
  }
}

/** Several replies: which are good. */
export function pick(box, { shown, order }, hooks) {
  const places = order?.length ? order : shown.replies.map((_reply, at) => at);
  const options = places.map((at, place) => ({ key: at, name: String(place + 1), words: [linked(shown.replies[at])], sought: "" }));
  return new Picks(box, options, { ...hooks, isLong: false, look: "replies" });
}
