// Labels that did not reach the task: refused because it was closed or paused, or begun for an item that went to others.
// Each stays, with its text, until it is sent or discarded.

import { Refusal, read, write } from "./api.js";
import { _ } from "./i18n.js";
import { fieldsOf, isGone } from "./label_drafts.js";
import { make, sayValue } from "./label_shown.js";
import { announce, part } from "./notices.js";
import { person } from "./outbox.js";
import { showLocalTimes } from "./page.js";
import { wordsOf } from "./refusals.js";
import { dropKept, keepValue, listKept, readKept } from "./storage.js";
import { act, copyText } from "./unsent.js";

const PREFIX = `label-unsent:${person}:`;

/** Before a refused label leaves the outbox. */
export function keepUnsent({ body, about }, fault) {
  if (isGone(fault)) return;
  keepValue(PREFIX + body.event_id, { ...about, ...fieldsOf(body), code: fault.code || `http_${fault.status}`, at: Date.now() });
}

export class UnsentLabels {
  /** `listDrafts` gives the drafts that lie aside; `onDiscard` gets the id of the item of one that is discarded. */
  constructor({ listDrafts = () => [], onDiscard = () => {} } = {}) {
    Object.assign(this, { listDrafts, onDiscard, entries: new Map() });
    this.list = part("unsent-list");
    this.list.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-action]");
      if (button) this[button.dataset.action](this.entries.get(button.closest("li").dataset.key), button);
    });
  }

  draw() {
    const refused = listKept(PREFIX).map((key) => ({ ...readKept(key), key }));
    const drafts = this.listDrafts().map((draft) => ({ ...draft, key: draft.item_id }));
    const all = [...refused, ...drafts].sort((a, b) => a.at - b.at);
    this.entries = new Map(all.map((entry) => [entry.key, entry]));
    part("unsent").hidden = !all.length;
    part("unsent-words").textContent = _("Not sent: %(count)s", { count: all.length });
    this.list.replaceChildren(...all.map((entry) => this.row(entry)));
    showLocalTimes(this.list);
  }

  /** Removes those whose items are not there any more. */
  async forgetGone() {
    for (const entry of [...this.entries.values()]) {
      try {
        await read(`/v1/items/${encodeURIComponent(entry.item_id)}`);
      } catch (fault) {
        if (isGone(fault)) this.remove(entry); // else it stays: nothing says that it is gone
      }
    }
  }

  row(entry) {
    const time = make("time");
    time.dateTime = new Date(entry.at).toISOString();
    time.dataset.local = "";
    const why = entry.code ? wordsOf({ code: entry.code }) : _("Begun and not sent.");
    const text = make("p", "text", entry.text || sayValue(entry, entry));
    text.dir = "auto";
    const acts = make("div", "row", act("send", _("Send")), act("copy", _("Copy")), act("discard", _("Discard")));
    const row = make("li", "", make("p", "small muted", time, " · ", entry.name), make("p", "small why", why), text, acts);
    row.dataset.key = entry.key;
    return row;
  }

  /** Sends it once more; the service keeps as late what others have settled meanwhile. */
  async send(entry, button) {
    button.disabled = true;
    try {
      await write(`/v1/items/${encodeURIComponent(entry.item_id)}/labels`, fieldsOf(entry), { keep: false });
      this.remove(entry);
      announce(_("Sent."));
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      button.disabled = false;
      button.closest("li").querySelector(".why").textContent = wordsOf(fault);
      announce(wordsOf(fault));
    }
  }

  async copy(entry, button) {
    await copyText(entry.text || sayValue(entry, entry), button);
    announce(_("Copied."));
  }

  discard(entry) {
    this.remove(entry);
    announce(_("Discarded."));
  }

  remove(entry) {
    if (entry.code) dropKept(entry.key);
    else this.onDiscard(entry.item_id);
    this.draw();
  }
}
