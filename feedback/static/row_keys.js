// A table by keys: / goes to the search, J and K move over the rows, Enter opens one, ? lists the keys.

import { isImeCommit, mayCommand } from "./keys.js";
import { Letters } from "./letters.js";

const part = (name) => document.querySelector(`[data-part="${name}"]`);
const help = part("help");
const search = part("search");
const letters = new Letters(part("letters"));
const rows = [...document.querySelectorAll("[data-rows] tbody tr")];

/** Puts the focus on the link of the next or previous row: Enter opens it without more ado. */
function move(by) {
  const held = rows.findIndex((row) => row.contains(document.activeElement));
  const next = held < 0 ? 0 : Math.min(Math.max(held + by, 0), rows.length - 1);
  rows[next]?.querySelector("a").focus();
}

function goToSearch() {
  search?.focus();
  search?.select();
}

function toggleHelp() {
  if (help.open) help.close();
  else help.showModal();
}

const commands = { "/": goToSearch, j: () => move(1), k: () => move(-1), "?": toggleHelp };

document.addEventListener("keydown", (event) => {
  const act = commands[event.key.toLowerCase()];
  if (!act || !mayCommand(event) || !letters.on || (help.open && act !== toggleHelp)) return;
  event.preventDefault();
  act();
});
search?.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !isImeCommit(event)) search.blur();
});
for (const button of document.querySelectorAll("[data-help]")) button.addEventListener("click", toggleHelp);
