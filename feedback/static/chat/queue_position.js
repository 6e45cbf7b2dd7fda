// The queue position of a waiting customer: people at the desk, conversations before theirs, waiting since when. It asks
// rarely, only while a message waits and the page is visible, and shows nothing if it does not know.

import { Refusal, read } from "../api.js";
import { _ } from "../i18n.js";

const ASK_MS = 60_000; // a thousand pages cost the service a twentieth of a core
const SELDOM_MS = 300_000; // if the service says that nothing waits: a reply is on its way, or none is needed

export class QueuePosition {
  constructor(line, place) {
    Object.assign(this, { line, place, waits: false, timer: 0, nextAt: 0 });
    document.addEventListener("visibilitychange", () => this.plan());
  }

  /** Whether something waits now. */
  set(waits) {
    if (waits && !this.waits) this.nextAt = 0;
    this.waits = waits;
    if (!waits) this.say("");
    this.plan();
  }

  /** A new message waits, so the old answer is out of date. */
  renew() {
    this.nextAt = 0;
    this.set(true);
  }

  plan() {
    clearTimeout(this.timer);
    if (!this.waits || !this.place.token || document.visibilityState !== "visible") return;
    this.timer = setTimeout(() => this.ask(), Math.max(0, this.nextAt - performance.now()));
  }

  async ask() {
    this.nextAt = performance.now() + ASK_MS;
    try {
      const found = await read(`/v1/conversations/${this.place.id}/standing`, { token: this.place.token });
      if (!found.waiting_since) this.nextAt = performance.now() + SELDOM_MS;
      if (this.waits) this.say(found.waiting_since ? describe(found) : "");
    } catch (fault) {
      this.say("");
      if (fault instanceof Refusal && fault.status < 500 && fault.status !== 429) return;
    }
    this.plan();
  }

  say(words) {
    this.line.hidden = !words;
    if (this.line.textContent !== words) this.line.textContent = words;
  }
}

function describe({ present, waiting_before, waiting_since }) {
  const there = present
    ? _("At the desk now: %(count)s.", { count: present })
    : _("Nobody is at the desk now; your message is kept and will be answered later.");
  const before = waiting_before ? _("Conversations before yours: %(count)s.", { count: waiting_before }) : _("You are next.");
  const since = _("Waiting since %(time)s.", { time: showTime(waiting_since) });
  return _("%(there)s %(before)s %(since)s", { there, before, since });
}

/** A time, with the day if it was not today. */
function showTime(at) {
  const then = new Date(at);
  const day = then.toDateString() === new Date().toDateString() ? {} : { month: "short", day: "numeric" };
  return then.toLocaleString(document.documentElement.lang, { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}
