// The list of waiting turns: polls as many pages of the queue as are wanted, draws them, knows who is next and what is
// marked. Does not claim, judge or close.

import { read } from "./api.js";
import { _, languageName, spanOf } from "./i18n.js";
import { part } from "./notices.js";

const POLL_MS = 1500;
const LONG_WAIT_S = 120;
const PAGE = 200; // turns
const MOST = 1000; // turns of one answer
const NEAR_PX = 300; // of the end of the list: time to read on

export class Queue {
  constructor({ onOpen, onChange }) {
    const [list, empty, count, further] = ["queue", "queue-empty", "queue-count", "further"].map(part);
    Object.assign(this, { list, empty, count, further, onOpen, onChange, onMark: () => {} });
    Object.assign(this, { turns: [], total: 0, wanted: PAGE, skipped: new Set(), marked: new Set(), current: null, version: 0 });
    list.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-turn]");
      if (button) this.onOpen(this.find(button.dataset.turn));
    });
    list.addEventListener("change", (event) => this.toggle(event.target.dataset.turn));
    list.addEventListener("scroll", () => {
      if (list.scrollTop > 0 && list.scrollTop + list.clientHeight > list.scrollHeight - NEAR_PX) this.readOn();
    });
    further.addEventListener("click", () => this.readOn());
    setInterval(() => this.drawWaits(), 1000);
  }

  async start() {
    for (;;) {
      await this.refresh();
      await new Promise((resolve) => setTimeout(resolve, document.hidden ? 4 * POLL_MS : POLL_MS));
    }
  }

  async refresh() {
    const { version } = this;
    try {
      const { turns, total } = await this.readPages();
      if (version !== this.version) return; // asked before this page changed something: stale
      Object.assign(this, { turns, total });
      this.draw();
      this.onChange(null);
    } catch (fault) {
      this.onChange(fault);
    }
  }

  /** From the beginning, as far as was read on, and beyond the turn that is open: its row stays. */
  async readPages() {
    const turns = [];
    for (let after = ""; ; ) {
      const limit = Math.min(Math.max(this.wanted - turns.length, PAGE), MOST);
      const page = await read(`/v1/queue?limit=${limit}${after && `&after=${after}`}`);
      turns.push(...page.turns);
      if (!page.next || (turns.length >= this.wanted && !this.isBehind(turns))) return { turns, total: page.total };
      after = page.next;
    }
  }

  /** Whether the turn that is open may come after these. */
  isBehind(turns) {
    const open = this.find(this.current);
    if (!open || turns.some((turn) => turn.turn_id === open.turn_id)) return false;
    return Date.parse(open.created_at) >= Date.parse(turns.at(-1).created_at);
  }

  async readOn() {
    if (this.turns.length >= this.total || this.wanted > this.turns.length) return; // all is here, or on its way
    this.wanted = this.turns.length + PAGE;
    this.version += 1;
    await this.refresh();
  }

  /** The page knows better than an answer still on its way. */
  change(...removed) {
    this.version += 1;
    const gone = new Set(removed);
    const kept = this.turns.filter((turn) => !gone.has(turn.turn_id));
    this.total -= this.turns.length - kept.length;
    this.turns = kept;
    this.draw();
  }

  toggle(turnId) {
    if (!this.find(turnId)) return;
    if (!this.marked.delete(turnId)) this.marked.add(turnId);
    this.draw();
  }

  mark(...turnIds) {
    for (const id of turnIds) this.marked.add(id);
    this.draw();
  }

  unmark() {
    this.marked.clear();
    this.draw();
  }

  find(turnId) {
    return this.turns.find((turn) => turn.turn_id === turnId);
  }

  ofConversation(conversationId) {
    return this.turns.find((turn) => turn.conversation_id === conversationId);
  }

  isMine(turn) {
    return !turn.claimed_by || turn.claimed_by_me;
  }

  /** The longest waiting turn that nobody else holds; skipped ones come last. */
  next(except = null) {
    const free = this.turns.filter((turn) => turn.turn_id !== except && this.isMine(turn));
    return free.find((turn) => !this.skipped.has(turn.turn_id)) || free[0] || null;
  }

  neighbour(step) {
    if (!this.turns.length) return null;
    const at = this.turns.findIndex((turn) => turn.turn_id === this.current);
    return this.turns[Math.min(Math.max(at + step, 0), this.turns.length - 1)];
  }

  show(turnId) {
    this.current = turnId;
    for (const button of this.list.querySelectorAll("button")) {
      button.setAttribute("aria-current", String(button.dataset.turn === turnId));
    }
  }

  draw() {
    const focus = document.activeElement;
    const focused = this.list.contains(focus) ? focus.dataset.turn : null;
    const place = this.list.scrollTop;
    const waiting = new Set(this.turns.map((turn) => turn.turn_id));
    this.marked = new Set([...this.marked].filter((id) => waiting.has(id)));
    this.list.replaceChildren(...this.turns.map((turn) => this.row(turn)));
    this.list.scrollTop = place;
    this.empty.hidden = this.turns.length > 0;
    this.list.hidden = this.turns.length === 0;
    this.count.textContent = String(this.total);
    const left = this.total - this.turns.length;
    this.further.hidden = left <= 0;
    this.further.firstElementChild.textContent = _("Show more of %(count)s", { count: left });
    if (focused) this.list.querySelector(`${focus.tagName}[data-turn="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    this.onMark();
  }

  row(turn) {
    const item = document.createElement("li");
    const mark = document.createElement("input");
    mark.type = "checkbox";
    mark.dataset.turn = turn.turn_id;
    mark.checked = this.marked.has(turn.turn_id);
    mark.setAttribute("aria-label", _("Mark"));
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.turn = turn.turn_id;
    button.setAttribute("aria-current", String(turn.turn_id === this.current));
    const language = document.createElement("span");
    language.className = "small muted";
    const origin = turn.by_stranger ? _("chat page") : "";
    const words = this.isMine(turn) ? [languageName(turn.language), origin] : [_("with a colleague")];
    language.textContent = words.filter(Boolean).join(" · ");
    const wait = document.createElement("span");
    wait.dataset.since = turn.created_at;
    showWait(wait);
    const excerpt = document.createElement("span");
    excerpt.className = "excerpt";
    excerpt.textContent = turn.text;
    if (turn.language) excerpt.lang = turn.language;
    button.append(language, wait, excerpt);
    item.append(mark, button);
    return item;
  }

  drawWaits() {
    for (const wait of this.list.querySelectorAll("[data-since]")) showWait(wait);
  }
}

function showWait(element) {
  const seconds = (Date.now() - Date.parse(element.dataset.since)) / 1000;
  element.className = seconds > LONG_WAIT_S ? "wait long" : "wait";
  element.textContent = spanOf(seconds);
}
