// One row of the queue. It is created once for a turn and then updated in place, so that a click that began before a
// refresh ends on the button where it began. Only differences are written.

import { describeOthers } from "./holding.js";
import { _, languageName, spanOf } from "./i18n.js";

const LONG_WAIT_S = 120;

export function makeRow(turn) {
  const row = document.createElement("li");
  const mark = document.createElement("input");
  mark.type = "checkbox";
  mark.dataset.turn = turn.turn_id;
  mark.setAttribute("aria-label", _("Mark"));
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.turn = turn.turn_id;
  const about = document.createElement("span");
  about.className = "about small muted";
  const wait = document.createElement("span");
  wait.dataset.since = turn.created_at;
  const excerpt = document.createElement("span");
  excerpt.className = "excerpt";
  excerpt.dir = "auto";
  excerpt.textContent = turn.text; // a turn's message never changes
  if (turn.language) excerpt.lang = turn.language;
  button.append(about, wait, excerpt);
  row.append(mark, button);
  showWait(row);
  return row;
}

/** `view`: isCurrent, isMarked, isMine, hasDraft. */
export function updateRow(row, turn, view) {
  const [mark, button] = row.children;
  if (mark.checked !== view.isMarked) mark.checked = view.isMarked;
  setAttribute(button, "aria-current", String(view.isCurrent));
  setText(button.firstElementChild, describeTurn(turn, view));
  if (!row.classList.contains("gone")) return;
  row.classList.remove("gone");
  mark.disabled = false;
  button.removeAttribute("aria-disabled");
}

/** Shows the row of a turn that has left the list, while the row keeps its place. */
export function showGone(row) {
  const [mark, button] = row.children;
  row.classList.add("gone");
  mark.disabled = true;
  button.setAttribute("aria-disabled", "true"); // not disabled: it would lose the focus
  setText(button.firstElementChild, _("left this list"));
}

function describeTurn(turn, { isMine, hasDraft }) {
  const others = describeOthers(turn);
  if (!isMine) return others;
  const origin = turn.by_stranger && _("chat page");
  const campaigns = turn.campaigns.map((name) => _("Campaign: %(name)s", { name }));
  return [hasDraft && _("draft"), others, ...campaigns, languageName(turn.language), origin].filter(Boolean).join(" · ");
}

export function showWait(row) {
  const wait = row.lastElementChild.children[1];
  const seconds = (Date.now() - Date.parse(wait.dataset.since)) / 1000;
  const name = seconds > LONG_WAIT_S ? "wait long" : "wait";
  if (wait.className !== name) wait.className = name;
  setText(wait, spanOf(seconds));
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
