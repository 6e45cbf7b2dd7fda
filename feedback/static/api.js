// Calls of the HTTP contract from pages: session cookie plus CSRF header, or the visitor's own token.
// Every write carries an event id made here and is repeated under the same id until the store has answered,
// also after a reload (the outbox is kept in the browser). A refusal (4xx) ends it and is thrown as Refusal.

import { ownAddress } from "./place.js";
import { keepValue, newId, readKept } from "./storage.js";

const csrf = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
const BACK_OFF_MS = [500, 1000, 2000, 4000, 8000];
const SILENT_MS = 45_000; // the service says something every 20 s: after more than twice that the line is dead
const LIVED_MS = 5_000; // a stream that ended sooner is not opened again at once

export class Refusal extends Error {
  constructor(status, error, retryAfterS = 0) {
    super(error?.message || `HTTP ${status}`);
    this.status = status;
    this.code = error?.code || "";
    this.retryAfterS = status === 429 ? retryAfterS || 1 : 0; // when the limit lets the next one through
  }
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

/** As long as a limit says; else longer after each failure. Not the same for all pages: a service that is back is not
 *  stormed. */
function backOff(failures, fault) {
  if (fault?.retryAfterS) return 1000 * (fault.retryAfterS + Math.random());
  return BACK_OFF_MS[Math.min(failures, BACK_OFF_MS.length - 1)] * (0.75 + Math.random() / 2);
}

function headersFor(token, accept) {
  const headers = { Accept: accept, "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  else headers["X-CSRFToken"] = csrf;
  return headers;
}

/** The answer with its body unread; Refusal for all but success. */
async function ask(method, path, { body, token, signal, accept = "application/json" } = {}) {
  const answer = await fetch(path, {
    method,
    headers: headersFor(token, accept),
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: token ? "omit" : "same-origin",
    cache: "no-store",
    signal,
  });
  if (answer.status === 401 && !token) {
    location.assign(`/sign-in?next=${encodeURIComponent(ownAddress())}`);
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => null);
  throw new Refusal(answer.status, said?.error, Number(answer.headers.get("Retry-After")) || 0);
}

async function call(method, path, options) {
  return (await ask(method, path, options)).json().catch(() => null);
}

export function read(path, options = {}) {
  return call("GET", path, options);
}

/** The data of a stream's events, one by one. Not EventSource: that sends no token and shows no refusal. */
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

/** Hears what is new until the caller's signal ends it or it says "stop"; a lost connection only slows it down. */
export async function follow(nextPath, onAnswer, { token, signal, onTrouble = () => {} }) {
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
  return !(fault instanceof Refusal) || fault.status === 503 || fault.status === 429 || fault.status === 502;
}

const OUTBOX = "outbox";

function readOutbox() {
  return readKept(OUTBOX) || {};
}

function keepInOutbox(entry) {
  const box = readOutbox();
  box[entry.body.event_id] = entry;
  keepValue(OUTBOX, box);
}

function dropFromOutbox(eventId) {
  const box = readOutbox();
  delete box[eventId];
  keepValue(OUTBOX, box);
}

/** Posts until answered. `onState` hears "saving", "retrying" (with the seconds, where a limit says them) and "saved";
 *  refusals are thrown. */
export async function write(path, fields, { token, onState = () => {}, keep = true } = {}) {
  const body = { event_id: newId(), ...fields };
  if (keep) keepInOutbox({ path, body, token });
  onState("saving");
  for (let attempt = 0; ; attempt += 1) {
    try {
      const answer = await call("POST", path, { body, token });
      if (keep) dropFromOutbox(body.event_id);
      onState("saved");
      return answer;
    } catch (fault) {
      if (!mayRepeat(fault)) {
        if (keep) dropFromOutbox(body.event_id);
        throw fault;
      }
      onState("retrying", fault.retryAfterS);
      await pause(backOff(attempt, fault));
    }
  }
}

/** Sends what an earlier page could not; the store knows repeated ids, so nothing happens twice. */
export async function flushOutbox(accepts = () => true) {
  for (const { path, body, token } of Object.values(readOutbox())) {
    if (!accepts(path)) continue;
    await write(path, body, { token }).catch((fault) => {
      if (!(fault instanceof Refusal)) throw fault;
    });
  }
}
