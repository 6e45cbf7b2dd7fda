// Calls of the HTTP contract from pages: session cookie plus CSRF header, or the visitor's own token.
// Every write carries an event id made here and is repeated under the same id until the store has answered,
// also after a reload (the outbox stands in localStorage). A refusal (4xx) ends it and is thrown as Refusal.

const csrf = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
const BACK_OFF_MS = [500, 1000, 2000, 4000, 8000];

export class Refusal extends Error {
  constructor(status, error) {
    super(error?.message || `HTTP ${status}`);
    this.status = status;
    this.code = error?.code || "";
    this.hint = error?.hint || "";
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

function headersFor(token) {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  else headers["X-CSRFToken"] = csrf;
  return headers;
}

async function call(method, path, { body, token, signal } = {}) {
  const answer = await fetch(path, {
    method,
    headers: headersFor(token),
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: token ? "omit" : "same-origin",
    cache: "no-store",
    signal,
  });
  if (answer.status === 401 && !token) {
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
  }
  const said = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refusal(answer.status, said?.error);
  return said;
}

export function read(path, options = {}) {
  return call("GET", path, options);
}

/** Reads again and again until the caller's signal ends it; a lost connection only slows it down. */
export async function follow(nextPath, onAnswer, { token, signal, onTrouble = () => {} }) {
  let failures = 0;
  while (!signal.aborted) {
    try {
      const answer = await read(nextPath(), { token, signal });
      if (signal.aborted) return;
      failures = 0;
      onTrouble(null);
      if (onAnswer(answer) === "stop") return;
    } catch (fault) {
      if (signal.aborted) return;
      if (fault instanceof Refusal && fault.status < 500 && fault.status !== 429) {
        onTrouble(fault);
        return;
      }
      onTrouble(fault);
      await pause(BACK_OFF_MS[Math.min(failures, BACK_OFF_MS.length - 1)], signal).catch(() => {});
      failures += 1;
    }
  }
}

function mayRepeat(fault) {
  return !(fault instanceof Refusal) || fault.status === 503 || fault.status === 429 || fault.status === 502;
}

const OUTBOX = "outbox";

function readOutbox() {
  try {
    return JSON.parse(localStorage.getItem(OUTBOX)) || {};
  } catch {
    return {};
  }
}

function keepInOutbox(entry) {
  const box = readOutbox();
  box[entry.body.event_id] = entry;
  localStorage.setItem(OUTBOX, JSON.stringify(box));
}

function dropFromOutbox(eventId) {
  const box = readOutbox();
  delete box[eventId];
  localStorage.setItem(OUTBOX, JSON.stringify(box));
}

/** Posts until answered. `onState` hears "saving", "retrying" and "saved"; refusals are thrown. */
export async function write(path, fields, { token, onState = () => {}, keep = true } = {}) {
  const body = { event_id: crypto.randomUUID(), ...fields };
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
      onState("retrying");
      await pause(BACK_OFF_MS[Math.min(attempt, BACK_OFF_MS.length - 1)]);
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
