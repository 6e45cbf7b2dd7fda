// Values that a page keeps in the browser over reloads. If storage is blocked or full, they live as long as the page: all
// still works, but less is remembered.

const values = new Map();

/** The browser's storage, or null: blocked storage throws at the first access. */
function openStore() {
  try {
    const probe = "rejoinder:probe";
    localStorage.setItem(probe, "");
    localStorage.removeItem(probe);
    return localStorage;
  } catch {
    return null;
  }
}

const store = openStore();

/** The value kept under this key, or null. */
export function readKept(key) {
  if (values.has(key)) return values.get(key);
  try {
    return JSON.parse(store?.getItem(key) ?? null);
  } catch {
    return null;
  }
}

/** Stores a JSON value; if the browser refuses it, the page keeps it. */
export function keepValue(key, value) {
  try {
    if (!store) throw new Error("no storage");
    store.setItem(key, JSON.stringify(value));
    values.delete(key);
  } catch {
    values.set(key, value);
  }
}

export function dropKept(key) {
  values.delete(key);
  store?.removeItem(key);
}

/** All keys that begin with this prefix. */
export function listKept(prefix) {
  const kept = store ? Object.keys(store) : [];
  return [...new Set([...kept, ...values.keys()])].filter((key) => key.startsWith(prefix));
}

/** A random id for an event. `crypto.randomUUID` is missing on plain http; random bytes are not. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
