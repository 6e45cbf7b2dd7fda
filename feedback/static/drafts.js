// Unsent text, kept in the browser over reloads and refusals. A draft is removed when its text has been accepted.

import { dropKept, keepValue, listKept, readKept } from "./storage.js";

const PREFIX = "draft:";
const KEPT_MS = 7 * 24 * 3600 * 1000;

export function readDraft(id) {
  return readKept(PREFIX + id);
}

export function keepDraft(id, draft) {
  keepValue(PREFIX + id, { ...draft, at: Date.now() });
}

export function dropDraft(id) {
  dropKept(PREFIX + id);
}

/** Drafts of turns long gone do not pile up. */
export function dropOldDrafts() {
  for (const key of listKept(PREFIX)) {
    if (!(Date.now() - readKept(key)?.at <= KEPT_MS)) dropKept(key);
  }
}

/** Replaces a field's text so that the browser's own Ctrl+Z brings the old one back. */
export function replaceText(field, text) {
  field.focus();
  field.select();
  const done = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
  if (!done || field.value !== text) field.value = text;
}
