// Writes that the store has not answered yet, kept in the browser over reloads. Each belongs to whoever made it: the person
// who is signed in, or the token that it carries. No page sends what belongs to somebody else: that waits for them.

import { dropKept, keepValue, listKept, readKept } from "./storage.js";

/** Who is signed in, as the service names them; empty for nobody. */
export const person = document.body.dataset.person ?? "";

const PREFIX = "outbox:";
const lines = new Map(); // by name, the end of the last write of a line
let last = 0;

/** `about` is whatever the page must know to go on after a reload; writes of one `line` go one after the other. */
export function makeEntry(path, body, { token, line = "", about = null } = {}) {
  last = Math.max(last + 1, Date.now());
  return { path, body, token, line, about, owner: token ? "" : person, at: last };
}

export function keepEntry(entry) {
  keepValue(PREFIX + entry.body.event_id, entry);
}

export function dropEntry(entry) {
  dropKept(PREFIX + entry.body.event_id);
}

/** What waits here of this person and of the holders of tokens, oldest first. */
export function listEntries() {
  const entries = listKept(PREFIX).map(readKept).filter(Boolean);
  return entries.filter(({ owner, token }) => token || owner === person).sort((a, b) => a.at - b.at);
}

/** Acts once all that stood before it in this line is done. */
export function inLine(line, act) {
  if (!line) return act();
  const mine = (lines.get(line) ?? Promise.resolve()).then(act);
  const end = mine.catch(() => {}).finally(() => {
    if (lines.get(line) === end) lines.delete(line);
  });
  lines.set(line, end);
  return mine;
}

/** Ends this page where somebody else has signed in beside it: what it shows and keeps is not theirs. */
export function checkPerson(agent) {
  if (agent === person) return;
  location.reload();
  throw new Error("somebody else is signed in");
}
