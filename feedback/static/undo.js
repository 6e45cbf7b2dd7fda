// The bar that shows the last verdict, whose turn it was, and how long it can still be undone before the customer sees
// the reply. After that, undo withdraws the choice and the message stays; the service says which of the two happened.
// Earlier verdicts are in the agent's own day (day.js), which uses this module to undo them.

import { Refusal, write } from "./api.js";
import { _, spanOf } from "./i18n.js";

const LATER_MS = 10 * 60 * 1000;
const FIRST_WORDS = 60;
const AT_ONCE = 200; // turns in one call

export function firstWords(text) {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > FIRST_WORDS ? `${line.slice(0, FIRST_WORDS).trimEnd()}…` : line;
}

/** Who a verdict was about: the reply that went to them, else what they had written. */
function describeCustomer({ turn, text }) {
  if (!turn) return "";
  const { customer } = turn;
  const words = firstWords(text || turn.text);
  if (!text) return _("%(customer)s: %(words)s", { customer: customer || _("Customer"), words });
  return customer ? _("To %(customer)s: %(words)s", { customer, words }) : _("To the customer: %(words)s", { words });
}

/** Undoes a judgement, or retracts a reply that was sent without one. */
export function takeBackSent({ judgement_id, message_id }) {
  return write(judgement_id ? `/v1/judgements/${judgement_id}/undo` : `/v1/messages/${message_id}/retract`, {});
}

/** Opens closed turns again. */
export async function reopen(turnIds) {
  for (const some of split(turnIds)) await write("/v1/turns/reopen", { turn_ids: some });
  return {};
}

export function split(ids) {
  return Array.from({ length: Math.ceil(ids.length / AT_ONCE) }, (_none, at) => ids.slice(at * AT_ONCE, (at + 1) * AT_ONCE));
}

export class Undo {
  /** `onNothing` is called if this page remembers no verdict, as after a reload. */
  constructor(bar, { onUndone, onRefused, onNothing }) {
    Object.assign(this, { bar, onUndone, onRefused, onNothing, last: null, timer: null });
    this.whom = bar.querySelector("[data-whom]");
    this.words = bar.querySelector("[data-words]");
    this.count = bar.querySelector("[data-count]");
    this.progress = bar.querySelector("progress");
    bar.querySelector("button").addEventListener("click", () => this.undo());
  }

  /** `verdict` has the `id` of what it wrote, words, `takeBack()` and what the page needs to reopen the turn. */
  offer(verdict, seconds) {
    this.last = { ...verdict, at: Date.now() };
    this.whom.textContent = describeCustomer(verdict);
    this.words.textContent = verdict.words;
    this.bar.hidden = false;
    const end = Date.now() + seconds * 1000;
    clearInterval(this.timer);
    const tick = () => {
      const left = Math.max(0, end - Date.now());
      this.count.textContent = spanOf(Math.ceil(left / 1000));
      this.progress.value = left / (seconds * 1000);
      if (left === 0) this.hide();
    };
    tick();
    this.timer = setInterval(tick, 200);
  }

  hide() {
    clearInterval(this.timer);
    this.bar.hidden = true;
  }

  async undo() {
    const verdict = this.last;
    if (!verdict || Date.now() - verdict.at > LATER_MS) this.onNothing();
    else await this.take(verdict);
  }

  /** Undoes this verdict, the last one or any other; returns whether the service accepted that. */
  async take(verdict) {
    if (verdict.id === this.last?.id) {
      this.last = null;
      this.hide();
    }
    try {
      await this.onUndone(verdict, await verdict.takeBack());
      return true;
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      this.onRefused(fault);
      return false;
    }
  }
}
