// Judging a duel: one prompt, two replies, one key. The page knows only sides A and B, not their origin. Keys: A or 1, B
// or 2, T tie, X both bad, U undoes the last verdict.

import { Refusal, flushOutbox, read, write } from "./api.js";
import { Letters } from "./letters.js";
import { digitOf, mayCommand } from "./keys.js";
import { linked } from "./links.js";
import { announce, explain, notice, part, showState } from "./notices.js";
import { _ } from "./i18n.js";

const root = document.querySelector("[data-duel]");
const path = `/v1/duels/${encodeURIComponent(root.dataset.duel)}`;
const BY_LETTER = { a: "a", b: "b", t: "tie", x: "both_bad" };
const BY_DIGIT = { 1: "a", 2: "b" };

const letters = new Letters(part("letters"));

let current = null; // the round on the screen, or null while none is or one is being saved
let shownAt = 0;
let lastVerdict = null; // the verdict that can be undone, also from an earlier visit

function bubble({ role, content }) {
  const item = document.createElement("li");
  item.className = `bubble ${role === "user" ? "from-customer" : "from-agent"}`;
  const who = document.createElement("span");
  who.className = "who";
  who.textContent = role === "user" ? _("Customer") : _("Agent");
  const text = document.createElement("span");
  text.className = "words";
  text.dir = "auto";
  text.append(linked(content));
  item.append(who, text);
  return item;
}

function showProgress(judged, ready) {
  part("progress").max = ready;
  part("progress").value = judged;
  part("judged").textContent = _("%(judged)s of %(ready)s judged", { judged, ready });
}

function hideRound(isHidden) {
  for (const name of ["round", "pair", "verdicts"]) part(name).hidden = isHidden;
}

async function showRound(number) {
  current = null;
  part("done").hidden = Boolean(number);
  if (!number) {
    hideRound(true);
    announce(_("You have judged every round"));
    return;
  }
  const round = await read(`${path}/rounds/${number}`);
  const told = round.messages.filter((message) => message.role === "system").map((message) => message.content).join("\n\n");
  part("messages").replaceChildren(...round.messages.filter((message) => message.role !== "system").map(bubble));
  part("told").hidden = !told;
  part("system").textContent = told;
  part("a").textContent = round.a;
  part("b").textContent = round.b;
  showProgress(round.judged, round.ready);
  hideRound(false);
  notice("");
  announce(_("Round %(number)s is shown.", { number: round.round }));
  current = round;
  shownAt = performance.now();
}

async function refresh() {
  const duel = await read(path);
  lastVerdict = duel.last_verdict_id;
  part("undo").disabled = !lastVerdict;
  return duel;
}

async function showNext() {
  const duel = await refresh();
  if (duel.state !== "open") location.reload(); // the duel was closed: the page shows the result now
  else await showRound(duel.next_round);
  if (!duel.next_round) showProgress(duel.judged, duel.rounds.ready); // else it is updated with the round
}

async function guard(work) {
  try {
    await work();
  } catch (fault) {
    if (!(fault instanceof Refusal)) {
      notice(_("The server does not answer. Reload the page to go on; what you judged is kept."), "warn");
      throw fault;
    }
    if (fault.code === "duel_not_open" || fault.code === "round_judged") await showNext();
    explain(fault);
  }
}

async function judge(verdict) {
  if (!current) return;
  const { round } = current;
  current = null; // so that a second key press during saving does nothing
  const fields = { verdict, dwell_ms: Math.round(performance.now() - shownAt), occurred_at: new Date().toISOString() };
  await write(`${path}/rounds/${round}/verdicts`, fields, { onState: showState });
  await showNext();
}

async function undo() {
  const last = lastVerdict;
  if (!last) return;
  lastVerdict = null; // so that a second key press during saving does nothing
  const answer = await write(`/v1/duel-verdicts/${encodeURIComponent(last)}/undo`, {}, { onState: showState });
  await refresh();
  await showRound(answer.round);
  announce(_("Taken back."));
}

root.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.verdict) guard(() => judge(button.dataset.verdict));
  else if (button === part("undo")) guard(undo);
});

document.addEventListener("keydown", (event) => {
  if (!mayCommand(event) || !letters.on) return;
  const letter = event.key.toLowerCase();
  const verdict = BY_LETTER[letter] ?? BY_DIGIT[digitOf(event)];
  if (!verdict && letter !== "u") return;
  event.preventDefault();
  guard(() => (verdict ? judge(verdict) : undo()));
});

await guard(async () => {
  await flushOutbox((waiting) => waiting.startsWith("/v1/duel"));
  await showNext();
});
