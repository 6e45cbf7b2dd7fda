// The list of texts that did not reach the customer: replies refused after the agent had moved on, and drafts of
// conversations where no turn waits any more. Each stays until it is opened in a composer or discarded.

import { _ } from "./i18n.js";
import { announce, part } from "./notices.js";
import { showLocalTimes } from "./page.js";
import { wordsOf } from "./refusals.js";

export class Unsent {
  /** `findTurn` returns the waiting turn of a conversation; `onOpen` puts the text into its composer. */
  constructor({ notebook, findTurn, isIdle, onOpen }) {
    Object.assign(this, { notebook, findTurn, isIdle, onOpen, shown: "" });
    this.box = part("unsent");
    this.box.open = matchMedia("(min-width: 700px) and (min-height: 600px)").matches; // on small screens only the count is shown
    this.list = part("unsent-list");
    this.list.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-action]");
      if (button) this[button.dataset.action](this.find(button.closest("li")), button);
    });
  }

  entries() {
    return this.notebook.list().filter((draft) => draft.refused || (!draft.aside_id && draft.text && this.isIdle(draft)));
  }

  find(row) {
    return this.entries().find((draft) => draft.conversation_id === row.dataset.conversation && (draft.aside_id || "") === row.dataset.aside);
  }

  /** Redrawn only if something differs, so that an unchanged list keeps focus and clicks. */
  draw() {
    const entries = this.entries().sort((a, b) => a.at - b.at);
    const look = JSON.stringify(entries.map((draft) => [draft.conversation_id, draft.aside_id, draft.text, Boolean(this.findTurn(draft))]));
    if (look === this.shown) return;
    this.shown = look;
    this.box.hidden = !entries.length;
    part("unsent-words").textContent = _("Not sent: %(count)s", { count: entries.length });
    this.list.replaceChildren(...entries.map((draft) => this.row(draft)));
    showLocalTimes(this.list);
  }

  row(draft) {
    const item = document.createElement("li");
    Object.assign(item.dataset, { conversation: draft.conversation_id, aside: draft.aside_id || "" });
    const head = document.createElement("p");
    head.className = "small muted";
    const time = document.createElement("time");
    time.dateTime = new Date(draft.at).toISOString();
    time.dataset.local = "";
    const asked = document.createElement("q");
    asked.textContent = draft.asked || _("a customer");
    head.append(time, " · ", asked);
    const why = document.createElement("p");
    why.className = "small why";
    why.textContent = draft.refused ? wordsOf({ code: draft.refused }) : _("Never sent, and nobody waits there any more.");
    const text = document.createElement("p");
    text.className = "text";
    text.dir = "auto";
    text.textContent = draft.text;
    const acts = document.createElement("div");
    acts.className = "row";
    const waits = Boolean(this.findTurn(draft));
    acts.append(act("open", _("Open"), waits), act("copy", _("Copy")), act("discard", _("Discard")));
    if (!waits) acts.append(hint(_("Nobody waits there now.")));
    item.append(head, why, text, acts);
    return item;
  }

  open(draft) {
    this.onOpen(draft, this.findTurn(draft));
  }

  async copy(draft, button) {
    await copyText(draft.text, button);
    announce(_("Copied."));
  }

  discard(draft) {
    this.notebook.clear(draft.conversation_id, draft.aside_id || null);
    announce(_("Discarded."));
  }
}

export function act(name, words, enabled = true) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: words, disabled: !enabled });
  button.dataset.action = name;
  return button;
}

function hint(words) {
  const span = document.createElement("span");
  span.className = "small muted";
  span.textContent = words;
  return span;
}

/** Plain http has no clipboard API, so the text is copied from a field. */
export async function copyText(text, back) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = document.createElement("textarea");
  field.value = text;
  back.parentElement.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
  back.focus();
}
