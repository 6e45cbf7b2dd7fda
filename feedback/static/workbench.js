// The agents' workbench: opening turns, sending verdicts, and the keys. What is chosen of a turn, the queue, the cards and
// the undo bar are modules of their own. Nothing here knows where a suggestion comes from.

import { Refusal, flushOutbox, follow, write } from "./api.js";
import { Attention } from "./attention.js";
import { Cards } from "./cards.js";
import { Closing } from "./closing.js";
import { Day } from "./day.js";
import { dropDraft, dropOldDrafts, keepDraft } from "./drafts.js";
import { Hand, focusPage } from "./compose.js";
import { announce, explain, notice, part, showState } from "./notices.js";
import { followFragment } from "./place.js";
import { tellHeard } from "./heard.js";
import { Queue } from "./queue.js";
import { QueueFilter } from "./queue_filter.js";
import { listenToKeys } from "./keys.js";
import { Letters } from "./letters.js";
import { Reasons } from "./reasons.js";
import { wordsOf } from "./refusals.js";
import { showThread } from "./thread.js";
import { Undo, takeBackSent } from "./undo.js";
import { showWho } from "./who.js";
import { _ } from "./i18n.js";

const root = part("desk");
const UNDO_S = Number(root.dataset.undoSeconds);
const CARDS = Number(root.dataset.cards);

const composer = part("composer");
const cards = new Cards(part("cards"), (index, { sendNow }) => (sendNow ? takeAndSend(index) : hand.choose(index)));
const hand = new Hand(composer, cards);
const filter = new QueueFilter({ onChange: () => queue.startOver(), onLeave: focusPage });
const queue = new Queue({ filter, onOpen: (turn) => openTurn(turn), onChange: onQueue, onNews });
const attention = new Attention({ person: root.dataset.person, sound: part("sound"), notify: part("notify"), say: announce });
const undo = new Undo(part("undo"), { onUndone, onRefused: explain, onNothing: () => day.toggle() });
const reasons = new Reasons(part("reasons"));
const letters = new Letters(part("letters"));
const day = new Day({ undo, areLettersOn: () => letters.on });
const closing = new Closing(queue, { undo, undoSeconds: UNDO_S, inHand, onClosed });

/* Opening a turn */

/** `keepFocus`: the agent is writing, so the keys stay text; else they are commands for the new turn. */
async function openTurn(turn, { keepFocus = false } = {}) {
  if (!turn || (hand.holds(turn) && !hand.closed)) return;
  const signal = hand.hold(turn);
  queue.show(turn.turn_id);
  notice("");
  showState("");
  part("thread").hidden = false;
  part("offers").hidden = false;
  part("nothing").hidden = true;
  showWho({ about: part("about"), more: part("who") }, turn, signal);
  composer.lang = turn.language || "";
  hand.restore();
  if (!keepFocus) focusPage();
  cards.waitFor(CARDS);
  showThread(part("messages"), turn, signal);
  try {
    await write(`/v1/turns/${turn.turn_id}/claim`, {}, { keep: false });
  } catch (fault) {
    if (signal.aborted) return;
    if (!(fault instanceof Refusal)) throw fault;
    closeCards(wordsOf(fault));
    return;
  }
  if (!signal.aborted) follow(() => `/v1/turns/${turn.turn_id}/suggestions`, showSet, { signal, onTrouble: onSetTrouble });
}

function showSet(answer) {
  if (answer.state === "preparing") return "again";
  hand.set = answer;
  if (answer.state === "ready") {
    const different = answer.candidates.filter((candidate) => candidate.state !== "merged"); // stands in another card
    if (!different.some((candidate) => candidate.state === "ready")) return noSuggestions();
    cards.reveal(different);
    hand.revealedAt = performance.now();
    hand.mark();
    if (hand.none) hand.showNone();
    else announce(_("The suggestions are ready."));
    if (answer.left_out) notice(_("The suggestions saw a shortened text: %(count)s characters are left out of its middle.", { count: answer.left_out }));
    return "stop";
  }
  if (answer.state === "failed") return noSuggestions();
  closeCards(answer.state === "superseded" ? superseded() : _("This one has been answered meanwhile. Your text is kept below."));
  return "stop";
}

function noSuggestions() {
  cards.clear();
  notice(_("No suggestions this time: write the reply by hand and send it as always."), "warn");
  composer.focus();
  return "stop";
}

function onSetTrouble(fault) {
  if (!fault) return;
  if (fault instanceof Refusal && fault.status < 500) onRefusal(fault);
  else notice(_("The suggestions cannot be fetched just now. You can write by hand; this page keeps trying."), "warn");
}

function closeCards(words) {
  hand.closed = true;
  cards.close();
  notice(words, "warn");
}

/* Queue changes */

function onQueue(fault) {
  part("offline").hidden = !fault;
  if (fault) return;
  if (hand.turn && !hand.closed && !hand.busy && !queue.find(hand.turn.turn_id)) {
    const newer = queue.ofConversation(hand.turn.conversation_id);
    closeCards(newer ? superseded() : _("This one has been answered meanwhile. Your text is kept below."));
  }
  if (hand.closed && hand.turn) {
    const newer = queue.ofConversation(hand.turn.conversation_id);
    if (newer && newer.turn_id !== hand.turn.turn_id && queue.isMine(newer)) moveDraftTo(newer);
  }
  if (!hand.turn) openFirst();
}

/** What the address names, else whoever waits the longest. */
function openFirst() {
  const sought = queue.current;
  if (queue.opened) openTurn(queue.opened);
  else openNext();
  if (sought && !queue.opened) notice(_("The message that was open waits no longer."));
}

function onNews(turns, all) {
  attention.keep(all.map((turn) => turn.turn_id));
  if (!turns.length) return;
  filter.refresh();
  const words = turns.length === 1 ? _("A customer wrote.") : _("%(count)s customers wrote.", { count: turns.length });
  attention.arrive(turns.map((turn) => turn.turn_id), { words, onOpen: () => queue.onOpen(queue.find(turns[0].turn_id)) });
}

function superseded() {
  return _("The customer wrote again. Your text is kept, and new suggestions are being prepared.");
}

function moveDraftTo(turn) {
  const text = composer.value;
  dropDraft(hand.turn.turn_id);
  if (text) keepDraft(turn.turn_id, { text, taken: null, none: false });
  openTurn(turn, { keepFocus: document.activeElement === composer });
  notice(superseded());
}

function openNext() {
  const turn = queue.next(hand.turn?.turn_id);
  if (turn) openTurn(turn);
  else showNothing();
}

function showNothing() {
  hand.hold(null);
  queue.show(null);
  part("thread").hidden = true;
  part("offers").hidden = true;
  part("nothing").hidden = false;
  focusPage();
}

/* Judging */

async function judgeNone() {
  if (!cards.candidates.length || cards.closed || hand.none || hand.busy) return;
  const { turn } = hand;
  hand.chooseNone();
  const answer = await judge({ kind: "none" });
  if (answer) undo.offer({ ...takingBack(answer), turn, kind: "none", words: _("Noted: none is good.") }, UNDO_S);
}

async function skip() {
  if (!hand.turn || hand.busy) return;
  const { turn } = hand;
  queue.skipped.add(turn.turn_id);
  if (hand.set?.state === "ready" && !hand.closed) {
    const answer = await judge({ kind: "skip" });
    if (answer) undo.offer({ ...takingBack(answer), turn, kind: "skip", words: _("Skipped.") }, UNDO_S);
  }
  await queue.refresh();
  const other = queue.next(turn.turn_id);
  if (other) openTurn(other);
  else announce(_("No other turn is waiting."));
}

function takeAndSend(index) {
  if (hand.chooseToSend(index)) send();
}

/* Sending */

async function judge(fields) {
  const { turn, set } = hand;
  const body = { ...fields, occurred_at: new Date().toISOString() };
  if (hand.revealedAt) body.dwell_ms = Math.round(performance.now() - hand.revealedAt);
  return sending(() => write(`/v1/sets/${set.set_id}/judgements`, body, { onState: showState }), turn);
}

/** Runs one write; refusals are explained and give null, and the draft stays. */
async function sending(post, turn) {
  hand.busy = true;
  hand.showOrigin();
  try {
    return await post();
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    showState("");
    if (hand.holds(turn)) onRefusal(fault);
    return null;
  } finally {
    if (hand.holds(turn)) hand.busy = false;
    hand.showOrigin();
  }
}

async function send() {
  if (!hand.turn || hand.busy) return;
  const text = composer.value.trim();
  if (!text) {
    announce(_("Take a card or write a reply first."));
    composer.focus();
    return;
  }
  const { turn } = hand;
  const taken = hand.taken;
  const judged = ["ready", "failed"].includes(hand.set?.state); // by hand on a failed set: can be undone like any other
  const verdict = hand.verdict(text);
  const answer = judged
    ? await judge(verdict)
    : await sending(() => write(`/v1/conversations/${turn.conversation_id}/messages`, { role: "agent", text }, { onState: showState }), turn);
  if (!answer) return;
  dropDraft(turn.turn_id);
  queue.change(turn.turn_id);
  undo.offer({ ...takingBack(answer), turn, kind: "sent", text, taken, words: _("The customer sees it in") }, UNDO_S);
  if (answer.judgement_id) reasons.offer(answer.judgement_id, verdict.kind);
  announce(_("Sent. Z takes it back within %(seconds)s seconds.", { seconds: UNDO_S }));
  if (!hand.holds(turn)) return;
  hand.stop.abort();
  openNext();
}

function onRefusal(fault) {
  if (fault.code === "already_judged") closeCards(_("A colleague has answered meanwhile. Your text is kept below."));
  else if (fault.code === "turn_superseded") closeCards(superseded());
  else explain(fault);
}

function takingBack(answer) {
  return { id: answer.judgement_id || answer.message_id, takeBack: () => takeBackSent(answer) };
}

function inHand() {
  return hand.turn && !hand.closed && !hand.busy ? hand.turn : null;
}

function onClosed(turnIds) {
  if (turnIds.includes(hand.turn?.turn_id)) openNext();
}

async function onUndone(verdict, answer) {
  reasons.hide();
  showState("");
  if (answer.message === "sent") {
    notice(answer.undo_id ? _("The customer has it already. The choice is withdrawn and trains nothing.") : _("The customer has it already."));
    return;
  }
  announce(_("Taken back."));
  if (verdict.kind === "closed") {
    queue.change();
    await queue.refresh();
    return;
  }
  if (verdict.kind === "none") dropDraft(verdict.turn.turn_id);
  queue.skipped.delete(verdict.turn.turn_id);
  queue.change();
  await queue.refresh();
  if (verdict.kind === "none" && hand.holds(verdict.turn)) {
    hand.takeBackNone();
    return;
  }
  const turn = queue.find(verdict.turn.turn_id) || queue.ofConversation(verdict.turn.conversation_id) || verdict.turn;
  if (!turn.turn_id) { // it answered no message, and none waits
    notice(_("Taken back: %(words)s", { words: verdict.text }));
    return;
  }
  const taken = turn.turn_id === verdict.turn.turn_id ? verdict.taken : null; // a newer message has other suggestions
  if (verdict.kind === "sent") keepDraft(turn.turn_id, { text: verdict.text, taken, none: false });
  hand.closed = true;
  await openTurn(turn);
}

/* Keys */

function toggleHelp() {
  const help = part("help");
  if (help.open) help.close();
  else help.showModal();
}

const commands = {
  j: () => openTurn(queue.neighbour(1)),
  k: () => openTurn(queue.neighbour(-1)),
  s: skip,
  z: () => undo.undo(),
  u: () => undo.undo(),
  x: () => queue.toggle(queue.current),
  c: () => closing.close(),
  d: () => day.toggle(),
  m: () => queue.readOn(),
  f: () => filter.focus(),
  i: () => composer.focus(),
  "=": () => hand.toggleTie(),
  "?": toggleHelp,
  ...reasons.keys(),
};

listenToKeys({
  composer,
  letters: commands,
  areLettersOn: () => letters.on,
  send,
  pressDigit,
  leave: focusPage,
  isBlocked: () => document.querySelector("dialog[open]") !== null,
});

function pressDigit(digit, shifted) {
  if (digit === 0 && !shifted) judgeNone();
  else if (digit >= 1 && shifted) takeAndSend(digit - 1);
  else if (digit >= 1) hand.choose(digit - 1);
}

composer.addEventListener("input", () => hand.onInput());
part("send").addEventListener("click", send);
part("none").addEventListener("click", judgeNone);
part("tie").addEventListener("click", () => hand.toggleTie());
part("skip").addEventListener("click", skip);
for (const button of document.querySelectorAll("[data-help]")) button.addEventListener("click", toggleHelp);

dropOldDrafts();
flushOutbox((path) => path.startsWith("/v1/"));
followFragment(() => hand.turn?.turn_id);
queue.start();
filter.start();
tellHeard(part("heard"));
