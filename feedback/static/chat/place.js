// What the browser stores of one conversation of this customer, each value under its own key: how to reopen it ("about"),
// the draft, texts that were not sent, thumbs that were not saved. No conversation ever reads another one's values.
//
// A conversation has a place in the storage from its first text on, before the service knows it: `new-…`. Before that
// there is the place NEW, which holds only a draft.

import { dropKept, keepValue, listKept, newId, readKept } from "../storage.js";

const PREFIX = "chat:";
const ABOUT = "about";
const MOVED = "moved"; // the new place of a conversation that the service knows by now
const EXCERPT = 160; // characters of the last message
export const NEW = "new";
export const BASE = "/chat";

export class Place {
  constructor(id) {
    this.id = id;
  }

  /** The customer's token; null before the service knows the conversation. */
  get token() {
    return this.about.token ?? null;
  }

  get about() {
    return this.read(ABOUT) || {};
  }

  get address() {
    return this.token ? `${BASE}/${this.id}#${encodeURIComponent(this.token)}` : `${BASE}#${this.id}`;
  }

  key(name) {
    return `${PREFIX}${this.id}:${name}`;
  }

  read(name) {
    return readKept(this.key(name));
  }

  keep(name, value) {
    keepValue(this.key(name), value);
  }

  drop(name) {
    dropKept(this.key(name));
  }

  /** All values whose name begins with this. */
  list(prefix) {
    return listKept(this.key(prefix)).map(readKept).filter(Boolean);
  }

  note(fields) {
    this.keep(ABOUT, { ...this.about, ...fields });
  }

  /** What the list of conversations shows of this one. */
  noteWords(role, text, at) {
    this.note({ role, words: text.slice(0, EXCERPT), at });
  }

  forget() {
    for (const key of listKept(this.key(""))) dropKept(key);
    for (const key of listKept(PREFIX)) if (key.endsWith(`:${MOVED}`) && readKept(key) === this.id) dropKept(key);
  }

  /** Moves from the place of a draft to a separate one. */
  begin() {
    this.forget();
    this.id = `${NEW}-${newId()}`;
    this.note({ at: new Date().toISOString() });
  }

  /** Moves to the id that the service gave the conversation with its first text. If the page ends in the middle of
   *  this, the old place is still complete, and sending the first text again gets the stored answer. */
  open(id, token, firstName) {
    new Place(id).note({ ...this.about, token });
    this.move(id, firstName);
  }

  /** If another window has opened the conversation meanwhile, everything written here is added to it. */
  follow() {
    const id = this.read(MOVED);
    if (id) this.move(id);
  }

  move(id, without) {
    const [old, now] = [new Place(this.id), new Place(id)];
    for (const key of listKept(old.key(""))) {
      const name = key.slice(old.key("").length);
      if (![ABOUT, MOVED, without].includes(name)) now.keep(name, readKept(key));
    }
    old.forget();
    old.keep(MOVED, id);
    this.id = id;
  }
}

/** Every conversation that this browser knows, the latest first. */
export function listPlaces() {
  const ends = `:${ABOUT}`;
  const found = listKept(PREFIX).filter((key) => key.endsWith(ends)).map((key) => new Place(key.slice(PREFIX.length, -ends.length)));
  for (const place of found) place.follow();
  const ids = new Set(found.map((place) => place.id));
  return [...ids].map((id) => new Place(id)).sort((a, b) => (b.about.at || "").localeCompare(a.about.at || ""));
}
