// The list of waiting turns: polls the queue, draws it, knows who is next. Does not claim or judge.

import { read } from "./api.js";
import { _, languageName, spanOf } from "./i18n.js";

const POLL_MS = 1500;
const LONG_WAIT_S = 120;

export class Queue {
  constructor(list, empty, count, onOpen, onChange) {
    Object.assign(this, { list, empty, count, onOpen, onChange, turns: [], skipped: new Set(), current: null, version: 0 });
    this.list.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-turn]");
      if (button) this.onOpen(this.find(button.dataset.turn));
    });
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
      const answer = await read("/v1/queue");
      if (version !== this.version) return; // asked before this page changed something: stale
      this.turns = answer.turns;
      this.draw();
      this.onChange(null);
    } catch (fault) {
      this.onChange(fault);
    }
  }

  /** The page knows better than an answer still on its way. */
  change(remove = null) {
    this.version += 1;
    this.turns = this.turns.filter((turn) => turn.turn_id !== remove);
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

  mark(turnId) {
    this.current = turnId;
    for (const button of this.list.querySelectorAll("button")) {
      button.setAttribute("aria-current", String(button.dataset.turn === turnId));
    }
  }

  draw() {
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.turn : null;
    this.list.replaceChildren(...this.turns.map((turn) => this.row(turn)));
    this.empty.hidden = this.turns.length > 0;
    this.list.hidden = this.turns.length === 0;
    this.count.textContent = String(this.turns.length);
    if (focused) this.list.querySelector(`button[data-turn="${CSS.escape(focused)}"]`)?.focus();
  }

  row(turn) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.turn = turn.turn_id;
    button.setAttribute("aria-current", String(turn.turn_id === this.current));
    const language = document.createElement("span");
    language.className = "small muted";
    language.textContent = this.isMine(turn) ? languageName(turn.language) : _("with a colleague");
    const wait = document.createElement("span");
    wait.dataset.since = turn.created_at;
    showWait(wait);
    const excerpt = document.createElement("span");
    excerpt.className = "excerpt";
    excerpt.textContent = turn.text;
    if (turn.language) excerpt.lang = turn.language;
    button.append(language, wait, excerpt);
    item.append(button);
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
