// Proposed tags by keys: J and K move, Space chooses several, Y confirms, X rejects, U takes the last decision back. What
// is decided leaves the list; the answer of the service says by which ids it is taken back.

import { Refusal, write } from "./api.js";
import { isImeCommit, isTextField } from "./keys.js";
import { Letters } from "./letters.js";
import { announce, explain, notice, part, showState } from "./notices.js";
import { _ } from "./i18n.js";

const list = document.querySelector(".proposals");
const letters = list && new Letters(part("letters"));
const VERDICTS = { y: "confirm", x: "reject" };
const rows = () => [...list.querySelectorAll("li")].filter((row) => !row.hidden);
const boxOf = (row) => row.querySelector("input");
let last = null; // the ids and rows of the last decision
let isBusy = false;

function focus(row) {
  if (!row) return;
  for (const each of list.children) each.tabIndex = each === row ? 0 : -1;
  row.focus();
}

function step(by) {
  const open = rows();
  const at = open.indexOf(document.activeElement.closest(".proposals li"));
  focus(open[Math.min(Math.max(at + by, 0), open.length - 1)]);
}

/** The chosen rows; without a choice the one with the focus. */
function listMeant() {
  const chosen = rows().filter((row) => boxOf(row).checked);
  const held = document.activeElement.closest(".proposals li") ?? rows().find((row) => row.tabIndex === 0);
  return chosen.length ? chosen : [held].filter(Boolean);
}

function hide(meant, isHidden) {
  const open = rows();
  const next = open.slice(open.indexOf(meant.at(-1)) + 1).find((row) => !meant.includes(row)) ?? open.findLast((row) => !meant.includes(row));
  for (const row of meant) {
    row.hidden = isHidden;
    boxOf(row).checked = false;
  }
  part("all").checked = false;
  part("done").hidden = rows().length > 0;
  focus(isHidden ? next : meant[0]);
}

async function guard(work) {
  if (isBusy) return;
  isBusy = true;
  notice("");
  try {
    await work();
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    explain(fault);
  } finally {
    isBusy = false;
  }
}

async function decide(verdict) {
  const meant = listMeant();
  if (!meant.length) return;
  const decisions = meant.map(({ dataset }) => ({ tag_id: dataset.tag, conversation_id: dataset.conversation, pattern: dataset.pattern, verdict }));
  const answer = await write("/v1/tag-decisions", { decisions }, { keep: false, onState: showState });
  last = { ids: answer.decision_ids, rows: meant };
  part("undo").disabled = !last.ids.length;
  hide(meant, true);
  announce(verdict === "confirm" ? _("%(count)s confirmed.", { count: meant.length }) : _("%(count)s rejected.", { count: meant.length }));
}

async function undo() {
  if (!last?.ids.length) return;
  await write("/v1/tag-decisions/undo", { decision_ids: last.ids }, { keep: false, onState: showState });
  hide(last.rows, false);
  last = null;
  part("undo").disabled = true;
  announce(_("Taken back."));
}

function press(event) {
  if (isImeCommit(event) || event.repeat || isTextField(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  const isRow = event.target.matches(".proposals li");
  if (isRow && ["arrowdown", "arrowup"].includes(key)) step(key === "arrowdown" ? 1 : -1);
  else if (isRow && key === " ") boxOf(event.target).checked = !boxOf(event.target).checked;
  else if (letters.on && (key === "j" || key === "k")) step(key === "j" ? 1 : -1);
  else if (letters.on && VERDICTS[key]) guard(() => decide(VERDICTS[key]));
  else if (letters.on && key === "u") guard(undo);
  else return;
  event.preventDefault();
}

if (list) {
  document.addEventListener("keydown", press);
  part("all").addEventListener("change", () => rows().forEach((row) => { boxOf(row).checked = part("all").checked; }));
  part("proposals").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.verdict) guard(() => decide(button.dataset.verdict));
    else if (button && button === part("undo")) guard(undo);
  });
}
