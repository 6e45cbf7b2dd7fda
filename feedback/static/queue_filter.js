// The queue's filter: a language, a tag, the agent's own turns. It is kept in the page's address and applied by the
// service; the controls offer what is in the queue now.

import { read } from "./api.js";
import { _, languageName } from "./i18n.js";
import { part } from "./notices.js";
import { keepQuery, readQuery } from "./place.js";

const NAMES = ["language", "tag", "mine"];
const UNKNOWN = "und";
const EVERY_MS = 15_000; // the kinds change slowly

export class QueueFilter {
  /** `onChange` is called with each change; `onLeave` when the keyboard leaves a control. */
  constructor({ onChange, onLeave }) {
    const [language, tag, mine, all] = ["filter-language", "filter-tag", "filter-mine", "filter-none"].map(part);
    Object.assign(this, { language, tag, mine, all, onChange, values: readQuery(NAMES), kinds: { languages: [], tags: [] } });
    for (const [name, field] of Object.entries({ language, tag })) {
      field.addEventListener("change", () => this.set({ [name]: field.value }));
      field.addEventListener("keydown", (event) => {
        if (event.key === "Escape" || event.key === "Enter") onLeave();
      });
    }
    mine.addEventListener("click", () => this.set({ mine: this.values.mine ? "" : "true" }));
    all.addEventListener("click", () => this.set({ language: "", tag: "", mine: "" }));
    this.draw();
  }

  get isOn() {
    return NAMES.some((name) => this.values[name]);
  }

  focus() {
    const field = [this.language, this.tag, this.mine].find((control) => !control.hidden);
    field.focus();
  }

  async start() {
    for (;;) {
      await this.refresh();
      await new Promise((resolve) => setTimeout(resolve, document.hidden ? 4 * EVERY_MS : EVERY_MS));
    }
  }

  async refresh() {
    try {
      this.kinds = await read("/v1/queue/kinds");
    } catch {
      return; // the queue shows that the connection is lost
    }
    this.draw();
  }

  set(values) {
    Object.assign(this.values, values);
    keepQuery(this.values);
    this.draw();
    this.onChange();
  }

  draw() {
    const languages = this.kinds.languages.map(({ language, count }) => [language, nameOf(language), count]);
    const tags = this.kinds.tags.map(({ tag, count }) => [tag, tag, count]);
    offer(this.language, _("Language"), languages, [this.values.language, nameOf(this.values.language)]);
    offer(this.tag, _("Tag"), tags, [this.values.tag, this.values.tag]);
    this.mine.setAttribute("aria-pressed", String(Boolean(this.values.mine)));
    this.all.hidden = !this.isOn;
    part("queue-empty").firstElementChild.textContent = this.isOn ? _("Nobody is waiting with this filter.") : _("Nobody is waiting.");
    part("nothing").firstElementChild.textContent = this.isOn ? _("Nobody is waiting with this filter.") : _("Nobody is waiting");
  }
}

function nameOf(code) {
  return code === UNKNOWN ? _("unknown") : languageName(code);
}

/** The options in the queue, and the chosen one even if none of it waits. A list that is open under the keyboard is not
 *  changed. */
function offer(field, all, kinds, [chosen, name]) {
  const options = [["", all], ...kinds.map(([value, words, count]) => [value, `${words} (${count})`])];
  if (chosen && !kinds.some(([value]) => value === chosen)) options.push([chosen, `${name} (0)`]);
  const told = JSON.stringify(options);
  if (field.dataset.shown !== told && (document.activeElement !== field || field.value !== chosen)) {
    field.replaceChildren(...options.map(([value, words]) => new Option(words, value)));
    field.dataset.shown = told;
  }
  field.value = chosen;
  field.hidden = options.length < 3 && !chosen; // nothing to choose between
}
