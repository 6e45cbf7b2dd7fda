// The customer's own conversations that this browser knows: last message, time, and number of new replies. When the list
// is opened it asks the service for news of each one, with that conversation's own token.

import { Refusal, read } from "../api.js";
import { showLocalTimes } from "../page.js";
import { Outbox } from "./outbox.js";
import { listPlaces } from "./place.js";
import { _ } from "../i18n.js";

const MOST = 20; // only the latest ones are asked about

export class Shelf {
  constructor(list, { current = null } = {}) {
    Object.assign(this, { list, current });
  }

  /** The conversations besides the open one. */
  static others(current) {
    return listPlaces().filter((place) => place.id !== current?.id);
  }

  async open() {
    this.draw();
    const places = listPlaces().filter((place) => place.token && place.id !== this.current?.id);
    await Promise.all(places.slice(0, MOST).map(lookFor));
    this.draw();
  }

  draw() {
    this.list.replaceChildren(...listPlaces().map((place) => this.row(place)));
    showLocalTimes(this.list);
  }

  row(place) {
    const { words = "", role, at, unread = 0 } = place.about;
    const link = document.createElement("a");
    link.href = place.address;
    if (place.id === this.current?.id) link.setAttribute("aria-current", "page");
    const said = document.createElement("span");
    said.className = "words";
    said.dir = "auto";
    said.textContent = words || _("(no message yet)");
    const time = document.createElement("time");
    time.className = "when";
    time.dateTime = at;
    time.dataset.local = "";
    const who = document.createElement("span");
    who.className = "who";
    who.textContent = role === "agent" ? _("Customer service") : _("You");
    link.append(who, time, said, ...marksOf(place, unread));
    const row = document.createElement("li");
    row.append(link);
    return row;
  }
}

function marksOf(place, unread) {
  const unsent = new Outbox(place, {}).list();
  const marks = [];
  if (unread) marks.push(mark(_("New: %(count)s", { count: unread }), "on"));
  if (unsent.some((entry) => entry.refused)) marks.push(mark(_("Not sent"), "bad"));
  else if (unsent.length) marks.push(mark(_("Waiting to be sent"), "warn"));
  return marks;
}

function mark(words, kind) {
  const made = document.createElement("span");
  made.className = `mark ${kind}`;
  made.textContent = words;
  return made;
}

/** What arrived since it was last looked at. A conversation that the service does not know any more is removed, unless
 *  it holds a text that was not sent. */
async function lookFor(place) {
  const { lastId } = place.about;
  const after = lastId ? `?after=${encodeURIComponent(lastId)}` : "";
  try {
    const { messages } = await read(`/v1/conversations/${place.id}/messages${after}`, { token: place.token });
    const last = messages.at(-1);
    if (last) place.noteWords(last.role, last.text, last.created_at);
    place.note({ unread: messages.filter((message) => message.role === "agent").length });
  } catch (fault) {
    if (fault instanceof Refusal && fault.status === 401 && !place.list("unsent:").length) place.forget();
  }
}
