// Where an agent is, so that a reload, another language and a new session bring them back: the open turn stands behind # in
// the workbench's address, the filter in its query, how far the queue was read and scrolled in the tab's own storage.

const TURN = "#turn=";
const SCROLL = "queue";

/** The part behind # if it names a turn, else nothing: on the chat page a secret stands there, which stays in the browser. */
export function turnFragment() {
  return location.hash.startsWith(TURN) ? location.hash : "";
}

/** The address of this page as it may be told to the service. */
export function ownAddress() {
  return location.pathname + location.search + turnFragment();
}

export function readTurn() {
  const turnId = turnFragment().slice(TURN.length);
  return /^[\w-]{1,64}$/.test(turnId) ? turnId : null;
}

export function keepTurn(turnId) {
  replaceAddress(location.search, turnId ? TURN + turnId : "");
}

/** The values of these names in the address's query. */
export function readQuery(names) {
  const given = new URLSearchParams(location.search);
  return Object.fromEntries(names.map((name) => [name, given.get(name) || ""]));
}

export function keepQuery(values) {
  const told = new URLSearchParams(Object.entries(values).filter(([, value]) => value));
  replaceAddress(told.size ? `?${told}` : "", location.hash);
}

/** Another turn put behind # by hand is gone to; any other fragment (the skip link's) leaves the place as it was. */
export function followFragment(findTurn) {
  window.addEventListener("hashchange", () => (turnFragment() ? location.reload() : keepTurn(findTurn())));
}

function replaceAddress(search, fragment) {
  if (search + fragment !== location.search + location.hash) history.replaceState(history.state, "", location.pathname + search + fragment);
}

/** How far the queue of this very filter was read and scrolled in this tab, or nothing. */
export function readScroll() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(SCROLL));
    return kept?.search === location.search ? kept : {};
  } catch {
    return {}; // storage blocked: the queue begins at its beginning
  }
}

export function keepScroll(values) {
  try {
    sessionStorage.setItem(SCROLL, JSON.stringify({ ...values, search: location.search }));
  } catch {
    // storage blocked
  }
}
