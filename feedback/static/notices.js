// The workbench's notices: one line above the cards, the state of the last save, and announcements for screen readers.

import { _ } from "./i18n.js";
import { wordsOf } from "./refusals.js";

export const part = (name) => document.querySelector(`[data-part="${name}"]`);

export function announce(words) {
  part("live").textContent = "";
  requestAnimationFrame(() => { part("live").textContent = words; });
}

export function notice(words, kind = "") {
  const line = part("notice");
  line.textContent = words || "";
  line.className = `note ${kind}`;
  line.hidden = !words;
  if (words) announce(words);
}

/** Why the service refused. */
export function explain(fault) {
  notice(wordsOf(fault), "warn");
}

/** saving, retrying, saved, or nothing. */
export function showState(state) {
  const words = { saving: _("Saving…"), retrying: _("Not saved yet. It will be tried again."), saved: _("Saved.") };
  part("state").textContent = words[state] || "";
}
