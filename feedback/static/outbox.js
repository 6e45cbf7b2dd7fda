// Writes that the store has not answered yet, kept in the browser over reloads. Each belongs to whoever made it: the
// signed-in person, or the holder of its token. A page never sends another person's writes; those wait for their owner.

import { dropKept, keepValue, listKept, readKept } from "./storage.js";

/** The id of the signed-in person; empty if nobody is signed in. */
export const person = document.body.dataset.person ?? "";

const PREFIX = "outbox:";
const lines = new Map(); // by name of a line, the promise of its last write
let last = 0;

/** `about` is what the page needs to go on after a reload; writes of one `line` are sent one after the other. */
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

/** The waiting writes of this person and of token holders, oldest first. */
export function listEntries() {
  const entries = listKept(PREFIX).map(readKept).filter(Boolean);
  return entries.filter(({ owner, token }) => token || owner === person).sort((a, b) => a.at - b.at);
}

/** Runs after everything earlier in this line is done. */
export function inLine(line, act) {
  if (!line) return act();
  const mine = (lines.get(line) ?? Promise.resolve()).then(act);
  const end = mine.catch(() => {}).finally(() => {
    if (lines.get(line) === end) lines.delete(line);
  });
  lines.set(line, end);
  return mine;
}

/** Leaves this page if somebody else has signed in in another tab: its contents are not theirs. */
export function checkPerson(agent) {
  if (agent === person) return;
  location.reload();
  throw new Error("somebody else is signed in");
}
