// Unsent text, kept in localStorage over reloads and refusals. A draft is removed when its text has been accepted.

const PREFIX = "draft:";
const KEPT_MS = 7 * 24 * 3600 * 1000;

export function readDraft(id) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + id));
  } catch {
    return null;
  }
}

export function keepDraft(id, draft) {
  localStorage.setItem(PREFIX + id, JSON.stringify({ ...draft, at: Date.now() }));
}

export function dropDraft(id) {
  localStorage.removeItem(PREFIX + id);
}

/** Drafts of turns long gone do not pile up. */
export function dropOldDrafts() {
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(PREFIX)) continue;
    const draft = readDraft(key.slice(PREFIX.length));
    if (!draft?.at || Date.now() - draft.at > KEPT_MS) localStorage.removeItem(key);
  }
}

/** Replaces a field's text so that the browser's own Ctrl+Z brings the old one back. */
export function replaceText(field, text) {
  field.focus();
  field.select();
  const done = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
  if (!done || field.value !== text) field.value = text;
}
