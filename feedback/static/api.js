// Calls of the HTTP API from pages, authenticated by the session cookie plus CSRF header or by the visitor's own token.
// Every write carries an event id made here and is repeated with that id until the store has answered, also after a
// reload (outbox.js). A refusal (4xx) ends it and is thrown as Refusal.

import { dropEntry, inLine, keepEntry, listEntries, makeEntry, person } from "./outbox.js";
import { ownAddress } from "./place.js";
import { newId } from "./storage.js";

const csrf = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
const BACK_OFF_MS = [500, 1000, 2000, 4000, 8000];
const SILENT_MS = 45_000; // the service sends something every 20 s: after more than twice that the connection is lost
const YOUNG_MS = 5_000; // a page younger than this belongs to the present session: reloading it would change nothing
const LIVED_MS = 5_000; // a stream that ended sooner than this is not reopened at once

export class Refusal extends Error {
  constructor(status, error, retryAfterS = 0) {
    super(error?.message || `HTTP ${status}`);
    this.status = status;
    this.code = error?.code || "";
    this.retryAfterS = status === 429 ? retryAfterS || 1 : 0; // seconds until the rate limit allows the next call
  }
}

export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

/** The delay before a retry: as the rate limit says, else longer after each failure. It is randomized, so that not all
 *  pages return to a recovered service at once. */
export function backOff(failures, fault) {
  if (fault?.retryAfterS) return 1000 * (fault.retryAfterS + Math.random());
  return BACK_OFF_MS[Math.min(failures, BACK_OFF_MS.length - 1)] * (0.75 + Math.random() / 2);
}

function headersFor(token, accept) {
  const headers = { Accept: accept, "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  else headers["X-CSRFToken"] = csrf;
  return headers;
}

/** The response with its body unread; throws Refusal unless it succeeded. */
async function ask(method, path, { body, token, signal, keepalive = false, accept = "application/json" } = {}) {
  const answer = await fetch(path, {
    method,
    headers: headersFor(token, accept),
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: token ? "omit" : "same-origin",
    cache: "no-store",
    keepalive,
    signal,
  });
  if (answer.status === 401 && !token) {
    location.assign(`/sign-in?next=${encodeURIComponent(ownAddress())}`);
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => null);
  if (said?.error?.code === "csrf_failed" && performance.now() > YOUNG_MS) location.reload();
  throw new Refusal(answer.status, said?.error, Number(answer.headers.get("Retry-After")) || 0);
}

async function call(method, path, options) {
  return (await ask(method, path, options)).json(); // throws if the connection broke off: then it counts as not answered
}

export function read(path, options = {}) {
  return call("GET", path, options);
}

/** The data of a stream's events, one by one. EventSource is not used: it sends no token and hides refusals. */
async function* listen(path, { token, signal, onOpen }) {
  const line = new AbortController();
  const end = () => line.abort(signal.reason);
  signal.addEventListener("abort", end, { once: true });
  let watch = 0;
  const heard = () => {
    clearTimeout(watch);
    watch = setTimeout(() => line.abort(new Error("silent")), SILENT_MS);
  };
  try {
    heard();
    const answer = await ask("GET", path, { token, signal: line.signal, accept: "text/event-stream" });
    onOpen();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      heard();
      const events = (text + value).split("\n\n");
      text = events.pop();
      for (const event of events) {
        const data = event.split("\n").filter((row) => row.startsWith("data: ")).map((row) => row.slice(6));
        if (data.length) yield JSON.parse(data.join("\n"));
      }
    }
  } finally {
    clearTimeout(watch);
    signal.removeEventListener("abort", end);
    line.abort();
  }
}

/** Listens for news until the caller's signal aborts it or the callback returns "stop"; reconnects when the connection
 *  is lost. */
export async function subscribe(nextPath, onAnswer, { token, signal, onTrouble = () => {} }) {
  let failures = 0;
  while (!signal.aborted) {
    const since = performance.now();
    try {
      for await (const answer of listen(nextPath(), { token, signal, onOpen: () => onTrouble(null) })) {
        if (signal.aborted || onAnswer(answer) === "stop") return;
      }
      failures = performance.now() - since > LIVED_MS ? 0 : failures + 1;
      if (failures) await pause(backOff(failures), signal).catch(() => {});
    } catch (fault) {
      if (signal.aborted) return;
      if (fault instanceof Refusal && fault.status < 500 && fault.status !== 429) {
        onTrouble(fault);
        return;
      }
      onTrouble(fault);
      await pause(backOff(failures, fault), signal).catch(() => {});
      failures = performance.now() - since > LIVED_MS ? 1 : failures + 1;
    }
  }
}

function mayRepeat(fault) {
  return !(fault instanceof Refusal) || [429, 502, 503, 504].includes(fault.status);
}

/** Reports a current state once, without retries. With `keepalive` the request survives the page. */
export function put(path, fields, { keepalive = false } = {}) {
  return call("PUT", path, { body: fields, keepalive });
}

/** Posts until answered. `onState` gets "saving", "retrying" (with the seconds, if a limit gives them) and "saved"; a
 *  refusal is thrown, after `onRefused` has kept what must not be lost. `line` and `about`: see outbox.js. */
export function write(path, fields, { token, onState, onRefused, keep = true, line, about } = {}) {
  const entry = makeEntry(path, { event_id: newId(), ...fields }, { token, line, about });
  if (keep) keepEntry(entry);
  return post(entry, { onState, onRefused });
}

function post(entry, { onState = () => {}, onRefused = () => {} }) {
  const { path, body, token, line } = entry;
  onState("saving");
  return inLine(line, async () => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answer = await call("POST", path, { body, token });
        dropEntry(entry);
        onState("saved");
        return answer;
      } catch (fault) {
        if (isOfAnother(fault, token)) await leavePage(); // the write stays in the outbox for the person who made it
        if (!mayRepeat(fault)) {
          onRefused(entry, fault);
          dropEntry(entry);
          throw fault;
        }
        onState("retrying", fault.retryAfterS);
        await pause(backOff(attempt, fault));
      }
    }
  });
}

/** Whether the session that this page was made for is over: then only the person of that session may send the write. */
function isOfAnother(fault, token) {
  return person && !token && fault instanceof Refusal && (fault.status === 401 || fault.code === "csrf_failed");
}

/** Leaves the page, as `ask` has begun to do. The promise never resolves, since the page ends. */
function leavePage() {
  return new Promise(() => {});
}

/** Sends what an earlier page could not send; the store recognizes repeated ids, so nothing happens twice. `accepts`
 *  gets path and entry, `onAnswer` gets entry and answer. */
export async function flushOutbox(accepts = () => true, { onState, onAnswer = () => {}, onRefused } = {}) {
  const waiting = listEntries().filter((entry) => accepts(entry.path, entry));
  await Promise.all(waiting.map(async (entry) => {
    try {
      onAnswer(entry, await post(entry, { onState, onRefused }));
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
    }
  }));
}
