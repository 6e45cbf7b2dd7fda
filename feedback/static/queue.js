// The list of waiting turns: polls as many pages of the queue as are wanted, with the filter, and knows which turn is
// next, what is marked and what is new. queue_rows.js draws its rows. It does not claim, judge or close.

import { read } from "./api.js";
import { _ } from "./i18n.js";
import { announce, part } from "./notices.js";
import { checkPerson } from "./outbox.js";
import { keepScroll, keepTurn, readScroll, readTurn } from "./place.js";
import { QueueRows } from "./queue_rows.js";

const POLL_MS = 1500;
const PAGE = 200; // turns
const MOST = 1000; // turns of one answer
const NEAR_PX = 300; // pixels before the end of the list where more is loaded

export class Queue {
  /** `filter.values` narrows the list; `onNews` gets the turns that arrived while the whole list was loaded; `hasDraft`
   *  tells whether this person has a draft for a turn. */
  constructor({ filter, onOpen, onChange, onNews, hasDraft }) {
    const [list, empty, count, further] = ["queue", "queue-empty", "queue-count", "further"].map(part);
    Object.assign(this, { list, empty, count, further, filter, onOpen, onChange, onNews, hasDraft, onMark: () => {}, rows: new QueueRows(list) });
    Object.assign(this, { turns: [], total: 0, wanted: PAGE, skipped: new Set(), marked: new Set(), version: 0 });
    Object.assign(this, { current: readTurn(), opened: null, known: new Set(), isWhole: false, scroll: readScroll() });
    this.wanted = this.scroll.wanted || PAGE;
    list.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-turn]");
      const turn = button && this.find(button.dataset.turn);
      if (turn) this.onOpen(turn);
      else if (button) announce(_("This one waits no longer."));
    });
    list.addEventListener("change", (event) => this.toggle(event.target.dataset.turn));
    list.addEventListener("scroll", () => {
      if (list.scrollTop > 0 && list.scrollTop + list.clientHeight > list.scrollHeight - NEAR_PX) this.readOn();
    });
    further.addEventListener("click", () => this.readOn());
    window.addEventListener("pagehide", () => keepScroll({ wanted: this.wanted, top: list.scrollTop, left: list.scrollLeft }));
    setInterval(() => this.rows.drawWaits(), 1000);
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
      const { turns, total, opened } = await this.readPages();
      if (version !== this.version) return; // requested before this page changed something, so out of date
      Object.assign(this, { turns, total, opened });
      this.draw();
      this.scrollBack();
      this.announceNews();
      this.onChange(null);
    } catch (fault) {
      this.onChange(fault);
    }
  }

  /** The filter has changed: load another list from its beginning. */
  async startOver() {
    Object.assign(this, { turns: [], total: 0, wanted: PAGE, isWhole: false });
    this.version += 1;
    this.rows.clear();
    await this.refresh();
  }

  /** Loads the list from the beginning as far as it was read, and beyond the open turn so that its row stays. `opened`:
   *  the waiting turn of the open conversation, whatever the filter. */
  async readPages() {
    const turns = [];
    let opened = null;
    for (let after = ""; ; ) {
      const limit = Math.min(Math.max(this.wanted - turns.length, PAGE), MOST);
      const page = await read(`/v1/queue?${this.ask({ limit, after })}`);
      checkPerson(page.agent);
      turns.push(...page.turns);
      opened = page.opened;
      if (!page.next || (turns.length >= this.wanted && !isBehind(turns, opened))) return { turns, opened, total: page.total };
      after = page.next;
    }
  }

  ask(paging) {
    const told = { ...this.filter.values, ...paging, opened: this.current };
    return new URLSearchParams(Object.entries(told).filter(([, value]) => value));
  }

  /** Runs once, after the first list is loaded. */
  scrollBack() {
    const { top = 0, left = 0 } = this.scroll;
    this.scroll = {};
    if (top || left) this.list.scrollTo(left, top);
  }

  /** Turns that were never in the list before. Nothing is known about turns beyond the loaded part. */
  announceNews() {
    const wasWhole = this.isWhole;
    this.isWhole = this.turns.length >= this.total;
    const fresh = this.turns.filter((turn) => !this.known.has(turn.turn_id));
    for (const turn of fresh) this.known.add(turn.turn_id);
    this.onNews(wasWhole ? fresh.filter((turn) => this.isMine(turn)) : [], this.turns);
  }

  async readOn() {
    if (this.turns.length >= this.total || this.wanted > this.turns.length) return; // all is loaded or requested
    this.wanted = this.turns.length + PAGE;
    this.version += 1;
    await this.refresh();
  }

  /** This page's own change is newer than an answer still on its way. */
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
    return [...this.turns, this.opened].find((turn) => turn?.turn_id === turnId);
  }

  ofConversation(conversationId) {
    return [...this.turns, this.opened].find((turn) => turn?.conversation_id === conversationId);
  }

  /** Whether all waiting turns are in the list. */
  get knowsAll() {
    return this.isWhole && !this.filter.isOn;
  }

  isMine(turn) {
    return !turn.claimed_by || turn.claimed_by_me;
  }

  /** The longest waiting turn that no other agent claims or reads, else one that somebody reads; skipped turns come
   *  last. */
  next(except = null) {
    const free = this.turns.filter((turn) => turn.turn_id !== except && this.isMine(turn));
    const fresh = free.filter((turn) => !this.skipped.has(turn.turn_id));
    return fresh.find((turn) => !turn.readers.length) || fresh[0] || free[0] || null;
  }

  neighbour(step) {
    if (!this.turns.length) return null;
    const at = this.turns.findIndex((turn) => turn.turn_id === this.current);
    const turn = this.turns[Math.min(Math.max(at + step, 0), this.turns.length - 1)];
    this.rows.get(turn.turn_id).scrollIntoView({ block: "nearest", inline: "nearest" });
    return turn;
  }

  show(turnId) {
    if (turnId !== this.current) this.version += 1; // an answer on its way is about the turn before
    this.current = turnId;
    keepTurn(turnId);
    this.drawRows();
  }

  drawRows() {
    this.rows.draw(this.turns, (turn) => ({
      isCurrent: turn.turn_id === this.current,
      isMarked: this.marked.has(turn.turn_id),
      isMine: this.isMine(turn),
      hasDraft: this.hasDraft(turn),
    }));
  }

  draw() {
    const waiting = new Set(this.turns.map((turn) => turn.turn_id));
    this.marked = new Set([...this.marked].filter((id) => waiting.has(id)));
    this.drawRows();
    this.empty.hidden = this.turns.length > 0;
    this.list.hidden = this.list.childElementCount === 0;
    this.count.textContent = String(this.total);
    const left = this.total - this.turns.length;
    this.further.hidden = left <= 0;
    this.further.firstElementChild.textContent = _("Show more of %(count)s", { count: left });
    this.onMark();
  }
}

/** Whether the open turn may come after the loaded ones. */
function isBehind(turns, opened) {
  if (!opened || turns.some((turn) => turn.turn_id === opened.turn_id)) return false;
  return Date.parse(opened.created_at) >= Date.parse(turns.at(-1).created_at);
}
