// The agent's own day: how many turns they decided, how fast, and what of the last ten minutes can be undone, each with
// its countdown. All data comes from the service, so it survives a reload; undo.js does the undoing.

import { Refusal, read, write } from "./api.js";
import { _, spanOf } from "./i18n.js";
import { explain, part } from "./notices.js";
import { firstWords, reopen, takeBackSent } from "./undo.js";

const POLL_EVERY_MS = 5000;
const REPLIES = ["pick", "edit", "own", "tie"];
const CLOSINGS = ["no_reply", "spam"];

/** The start of today in the reader's time zone. */
function findMidnight() {
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  return midnight.toISOString();
}

export class Day {
  constructor({ undo, areLettersOn }) {
    const [dialog, figures, kinds, list, empty] = ["day", "day-figures", "day-kinds", "day-list", "day-empty"].map(part);
    Object.assign(this, { dialog, figures, kinds, list, empty, undo, deeds: [], timers: [] });
    dialog.addEventListener("close", () => this.timers.forEach(clearInterval));
    dialog.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "d" || event.ctrlKey || event.metaKey || event.altKey || !areLettersOn()) return;
      event.stopPropagation(); // on the page behind the dialog this key opens the list
      dialog.close();
    });
    for (const button of document.querySelectorAll("[data-day]")) button.addEventListener("click", () => this.toggle());
  }

  async toggle() {
    if (this.dialog.open) {
      this.dialog.close();
      return;
    }
    if (!(await this.refresh())) return;
    this.dialog.showModal();
    this.focusFirst();
    this.timers = [setInterval(() => this.tick(), 250), setInterval(() => this.refresh(), POLL_EVERY_MS)];
  }

  /** Loads the day; returns whether the service answered. */
  async refresh() {
    try {
      this.show(await read(`/v1/day?since=${encodeURIComponent(findMidnight())}`));
      return true;
    } catch (fault) {
      if (fault instanceof Refusal) explain(fault);
      return false;
    }
  }

  show({ decisions, median_s, recent }) {
    const count = (kinds) => kinds.reduce((sum, kind) => sum + (decisions[kind] || 0), 0);
    const median = median_s === null ? "–" : spanOf(Math.max(1, Math.round(median_s)));
    this.figures.replaceChildren(
      figure(_("Replies today"), count(REPLIES)),
      figure(_("Closed without a reply"), count(CLOSINGS)),
      figure(_("Median time to a reply"), median),
    );
    const kinds = [...REPLIES, "none", "skip", ...CLOSINGS].filter((kind) => decisions[kind]).map((kind) => `${wordsOf(kind)} ${decisions[kind]}`);
    this.kinds.textContent = kinds.join(" · ");
    const now = Date.now();
    this.deeds = recent.map((deed) => ({ ...deed, id: idOf(deed), until: now + deed.left_s * 1000 }));
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.deed : null;
    this.list.replaceChildren(...this.deeds.map((deed) => this.row(deed)));
    this.empty.hidden = this.deeds.length > 0;
    this.list.hidden = this.deeds.length === 0;
    this.tick();
    if (focused && !this.focus(focused)) this.focusFirst();
  }

  row(deed) {
    const item = document.createElement("li");
    const whom = said("strong", deed.customer || _("Customer"));
    const asked = said("span", firstWords(deed.asked), "muted");
    const did = said("span", deed.text === null ? wordsOf(deed.kind, deed.turn_ids.length) : firstWords(deed.text));
    for (const text of [asked, did]) text.dir = "auto";
    if (deed.language) asked.lang = deed.language;
    if (deed.language && deed.text !== null) did.lang = deed.language;
    const state = said("span", stateOf(deed), "state small muted");
    state.dataset.deed = deed.id;
    const words = document.createElement("div");
    words.append(whom, " ", asked, did, state);
    item.append(words);
    const label = actionOf(deed);
    if (label) {
      const button = said("button", label);
      button.type = "button";
      button.dataset.deed = deed.id;
      button.addEventListener("click", () => (deed.state === "offered" ? this.release(deed) : this.takeBack(deed)));
      item.append(button);
    }
    return item;
  }

  tick() {
    for (const deed of this.deeds.filter(({ state }) => state === "waits")) {
      const left = Math.ceil((deed.until - Date.now()) / 1000);
      const line = this.list.querySelector(`.state[data-deed="${deed.id}"]`);
      if (line) line.textContent = _("the customer sees it in %(span)s", { span: spanOf(Math.max(0, left)) });
      if (left <= 0 && !deed.late) {
        deed.late = true;
        setTimeout(() => this.dialog.open && this.refresh(), 1000);
      }
    }
  }

  focus(id) {
    const button = this.list.querySelector(`button[data-deed="${CSS.escape(id)}"]`);
    button?.focus();
    return Boolean(button);
  }

  /** Focuses the newest reply that is still held, so that Enter stops it. What can only be withdrawn needs more than
   *  one key. */
  focusFirst() {
    const waiting = this.deeds.find(({ state }) => state === "waits");
    if (!waiting || !this.focus(waiting.id)) part("day-close").focus();
  }

  /** Sends the first of two answers that the customer has not picked from. */
  async release({ message_id }) {
    try {
      await write(`/v1/messages/${message_id}/release`, {});
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault; // the customer has picked one meanwhile: the list tells
    }
    if (this.dialog.open) await this.refresh();
  }

  /** Goes to the turn that was undone, once no other reply can be stopped. */
  async takeBack(deed) {
    const stays = deed.state === "sent" || this.deeds.some((other) => other.id !== deed.id && other.state === "waits");
    if (!stays) this.dialog.close();
    const taken = await this.undo.take(verdictOf(deed));
    if (!this.dialog.open) return;
    if (taken) await this.refresh();
    else this.dialog.close(); // the page explains the refusal
  }
}

function idOf(deed) {
  return deed.judgement_id || deed.message_id || deed.turn_ids[0];
}

/** The decision in the form that the undo bar uses: with what the page needs to reopen the turn. */
function verdictOf(deed) {
  const { id, conversation_id, language, customer, asked, turn_ids } = deed;
  const turn = { turn_id: turn_ids[0] ?? null, conversation_id, language, customer, text: asked };
  if (deed.state !== "closed") return { id, kind: "sent", turn, text: deed.text, taken: deed.candidate_id, takeBack: () => takeBackSent(deed) };
  return { id, kind: deed.kind === "spam" ? "closed" : deed.kind, turn, takeBack: () => reopen(turn_ids) };
}

function actionOf(deed) {
  if (deed.state === "waits") return _("Stop");
  if (deed.state === "offered") return _("Send this one");
  if (deed.state === "closed") return _("Take back");
  return deed.state === "sent" && deed.judgement_id ? _("Withdraw the choice") : "";
}

function stateOf(deed) {
  const ago = _("%(span)s ago", { span: spanOf((Date.now() - Date.parse(deed.at)) / 1000) });
  if (deed.state === "closed") return ago;
  if (deed.state === "offered") return _("the customer has two answers and picks one, %(ago)s", { ago });
  return deed.state === "withdrawn" ? _("the customer has it; the choice is withdrawn") : _("the customer has it, %(ago)s", { ago });
}

function wordsOf(kind, count = 0) {
  if (kind === "spam" && count > 1) return _("%(count)s closed as spam", { count });
  const words = {
    pick: _("sent as suggested"),
    edit: _("edited, then sent"),
    own: _("own text"),
    tie: _("several equally good"),
    none: _("none was good"),
    skip: _("skipped"),
    no_reply: _("no reply needed"),
    spam: _("closed as spam"),
  };
  return words[kind] || kind;
}

function said(tag, text, className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

function figure(name, value) {
  const box = document.createElement("div");
  box.className = "tile";
  box.append(said("dt", name), said("dd", String(value), "figure"));
  return box;
}
