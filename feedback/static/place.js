// Remembers where an agent is, so that a reload, another language or a new session returns there: the open turn is after
// # in the workbench's address, the filter in its query, and the scroll position of the queue in the tab's storage.

const TURN = "#turn=";
const SCROLL = "queue";

/** The part after # if it names a turn, else nothing: on the chat page it is a secret, which must stay in the browser. */
export function turnFragment() {
  return location.hash.startsWith(TURN) ? location.hash : "";
}

/** The address of this page in a form that may be sent to the service. */
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

/** The values of these parameters in the address's query. */
export function readQuery(names) {
  const given = new URLSearchParams(location.search);
  return Object.fromEntries(names.map((name) => [name, given.get(name) || ""]));
}

export function keepQuery(values) {
  const told = new URLSearchParams(Object.entries(values).filter(([, value]) => value));
  replaceAddress(told.size ? `?${told}` : "", location.hash);
}

/** Opens another turn whose id was typed after #; any other fragment (the skip link's) changes nothing. */
export function followFragment(findTurn) {
  window.addEventListener("hashchange", () => (turnFragment() ? location.reload() : keepTurn(findTurn())));
}

function replaceAddress(search, fragment) {
  if (search + fragment !== location.search + location.hash) history.replaceState(history.state, "", location.pathname + search + fragment);
}

/** How far the queue with this filter was read and scrolled in this tab, or nothing. */
export function readScroll() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(SCROLL));
    return kept?.search === location.search ? kept : {};
  } catch {
    return {}; // storage is blocked: start at the beginning of the queue
  }
}

export function keepScroll(values) {
  try {
    sessionStorage.setItem(SCROLL, JSON.stringify({ ...values, search: location.search }));
  } catch {
    // storage is blocked
  }
}
