// The agents' workbench: opening turns, sending verdicts, and the keys. The choice among cards, the queue, the cards and
// the undo bar have modules of their own. Nothing here knows where a suggestion comes from.

import { Refusal, subscribe } from "./api.js";
import { Attention } from "./attention.js";
import { Cards } from "./cards.js";
import { Closing } from "./closing.js";
import { Day } from "./day.js";
import { sayEmpty } from "./empty_set.js";
import { Hand, focusPage } from "./compose.js";
import { Holding } from "./holding.js";
import { Judging } from "./judging.js";
import { announce, explain, notice, part, showState } from "./notices.js";
import { Notebook } from "./notebook.js";
import { person } from "./outbox.js";
import { followFragment } from "./place.js";
import { showHeard } from "./heard.js";
import { Queue } from "./queue.js";
import { QueueFilter } from "./queue_filter.js";
import { Sending } from "./sending.js";
import { listenToKeys } from "./keys.js";
import { Letters } from "./letters.js";
import { Reasons } from "./reasons.js";
import { showThread } from "./thread.js";
import { Undo } from "./undo.js";
import { Unsent } from "./unsent.js";
import { showWho } from "./who.js";
import { _ } from "./i18n.js";

const root = part("desk");
const UNDO_S = Number(root.dataset.undoSeconds);
const CARDS = Number(root.dataset.cards);

const composer = part("composer");
const cards = new Cards(part("cards"), (index, { sendNow }) => (sendNow ? judging.takeAndSend(index) : hand.choose(index)));
const notebook = new Notebook({ onChange: onDrafts });
const hand = new Hand(composer, cards, { notebook, onWork: () => holding.take() });
const filter = new QueueFilter({ onChange: () => queue.startOver(), onLeave: focusPage });
const queue = new Queue({ filter, onOpen: (turn) => openTurn(turn), onChange: onQueue, onNews, hasDraft: (turn) => notebook.has(turn.conversation_id) });
const attention = new Attention({ person, sound: part("sound"), notify: part("notify"), say: announce });
const holding = new Holding({ queue, onChange: onHolder, onRefused: onRefusal });
const sending = new Sending({ notebook, holds: (about) => hand.holds(about), onAccepted, onStays });
const unsent = new Unsent({ notebook, findTurn: (draft) => queue.ofConversation(draft.conversation_id), isIdle, onOpen: openUnsent });
const undo = new Undo(part("undo"), { onUndone: (verdict, answer) => judging.onUndone(verdict, answer), onRefused: explain, onNothing: () => day.toggle() });
const reasons = new Reasons(part("reasons"));
const judging = new Judging({ hand, cards, queue, notebook, sending, undo, reasons, openTurn, onRefusal }, { undoSeconds: UNDO_S });
const letters = new Letters(part("letters"));
const day = new Day({ undo, areLettersOn: () => letters.on });
const closing = new Closing(queue, { undo, undoSeconds: UNDO_S, inHand, onClosed });

/* Opening a turn */

/** `keepFocus`: the agent is writing, so keys stay text; otherwise keys are commands for the new turn. */
function openTurn(turn, { keepFocus = false } = {}) {
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
  cards.waitFor(CARDS);
  hand.restore(sending.find(turn.conversation_id));
  holding.look(turn);
  if (!keepFocus) focusPage();
  showThread(part("messages"), turn, signal);
  holding.hear(turn);
  subscribe(() => `/v1/turns/${turn.turn_id}/suggestions`, showSet, { signal, onTrouble: onSetTrouble });
}

function showSet(answer) {
  if (answer.state === "preparing") return "again";
  hand.set = answer;
  if (answer.state === "ready") {
    const different = answer.candidates.filter((candidate) => candidate.state !== "merged"); // shown in another card
    if (!different.some((candidate) => candidate.state === "ready")) return noSuggestions();
    cards.reveal(different);
    hand.revealedAt = performance.now();
    hand.mark();
    if (holding.other) cards.close();
    else if (hand.none) hand.showNone();
    else announce(_("The suggestions are ready."));
    if (answer.left_out) notice(_("The suggestions saw a shortened text: %(count)s characters are left out of its middle.", { count: answer.left_out }));
    return "stop";
  }
  if (answer.state === "failed") return noSuggestions(answer.failure);
  closeCards(answer.state === "superseded" ? superseded() : _("This one has been answered meanwhile. Your text is kept below."));
  return "stop";
}

function noSuggestions(failure) {
  cards.clear();
  notice(sayEmpty(failure), "warn");
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
  isQueueKnown = true;
  unsent.draw();
  holding.hear(queue.find(hand.turn?.turn_id));
  if (hand.turn && !hand.closed && !hand.busy && !queue.find(hand.turn.turn_id)) {
    const newer = queue.ofConversation(hand.turn.conversation_id);
    closeCards(newer ? superseded() : _("This one has been answered meanwhile. Your text is kept below."));
  }
  if (hand.closed && hand.turn) {
    const newer = queue.ofConversation(hand.turn.conversation_id);
    if (newer && newer.turn_id !== hand.turn.turn_id) moveTo(newer);
  }
  if (!hand.turn) openFirst();
}

/** Opens the turn in the address, else the longest waiting one. */
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

/** The draft belongs to the conversation, so the next turn keeps it. */
function moveTo(turn) {
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
  holding.look(null);
  queue.show(null);
  part("thread").hidden = true;
  part("offers").hidden = true;
  part("nothing").hidden = false;
  focusPage();
}

/* Claims, and texts that were not sent */

function onHolder(name, { wasMine }) {
  if (name) {
    cards.close();
    if (wasMine) notice(_("%(name)s has taken this one over. Your text is kept as a draft.", { name }), "warn");
  } else {
    notice("");
    if (!hand.none && !hand.closed) cards.reopen();
  }
  hand.mark();
}

function onDrafts() {
  queue.draw();
  unsent.draw();
  hand.showAside();
}

let isQueueKnown = false;

/** A draft of a conversation where no turn waits. */
function isIdle({ conversation_id }) {
  const isHere = hand.turn?.conversation_id === conversation_id;
  return isQueueKnown && queue.knowsAll && !isHere && !queue.ofConversation(conversation_id) && !sending.find(conversation_id);
}

function openUnsent(draft, turn) {
  openTurn(turn);
  if (hand.busy) return;
  hand.receive(draft.text);
  notebook.clear(draft.conversation_id, draft.aside_id);
}

/* Results of a verdict */

function onAccepted(about, answer) {
  const turn = queue.find(about.turn_id) || (hand.holds(about) ? hand.turn : null);
  queue.change(about.turn_id);
  if (turn) judging.offerUndo(answer, { turn, kind: "sent", text: about.text, taken: about.taken, words: _("The customer sees it in") });
  if (answer.judgement_id) reasons.offer(answer.judgement_id, about.kind);
  announce(turn ? _("Sent. Z takes it back within %(seconds)s seconds.", { seconds: UNDO_S }) : _("Sent."));
  if (!hand.holds(about)) return;
  hand.stop.abort();
  openNext();
}

function onStays(fault) {
  hand.unlock();
  onRefusal(fault);
}

function onRefusal(fault) {
  showState("");
  if (fault.code === "already_judged") closeCards(_("Not sent: a colleague has answered meanwhile. Your text is kept below."));
  else if (fault.code === "turn_superseded") closeCards(superseded());
  else if (fault.code === "turn_claimed") queue.refresh().then(() => holding.sayNotSent());
  else explain(fault);
}

function inHand() {
  return hand.turn && !hand.closed && !hand.busy ? hand.turn : null;
}

function onClosed(turnIds) {
  if (turnIds.includes(hand.turn?.turn_id)) openNext();
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
  s: () => judging.skip(),
  b: () => hand.bringBack(),
  a: () => holding.takeOver(),
  z: () => judging.takeBack(),
  u: () => judging.takeBack(),
  x: () => queue.toggle(queue.current),
  c: () => closing.close(),
  d: () => day.toggle(),
  m: () => queue.readOn(),
  f: () => filter.focus(),
  i: () => composer.focus(),
  "=": () => hand.toggleTie(),
  ...(part("both") && { p: () => judging.sendBoth() }),
  "?": toggleHelp,
  ...reasons.keys(),
};

listenToKeys({
  composer,
  actOf: (key) => commands[key],
  areLettersOn: () => letters.on,
  send: () => judging.send(),
  pressDigit,
  leave: focusPage,
  isBlocked: () => document.querySelector("dialog[open]") !== null,
});

function pressDigit(digit, shifted) {
  if (digit === 0 && !shifted) judging.judgeNone();
  else if (digit >= 1 && shifted) judging.takeAndSend(digit - 1);
  else if (digit >= 1) hand.choose(digit - 1);
}

composer.addEventListener("input", () => hand.onInput());
composer.addEventListener("blur", () => notebook.flush());
addEventListener("focus", () => notebook.open().catch(() => {})); // another page of this person may have written
part("bring-back").addEventListener("click", () => hand.bringBack());
part("send").addEventListener("click", () => judging.send());
part("none").addEventListener("click", () => judging.judgeNone());
part("tie").addEventListener("click", () => hand.toggleTie());
part("both")?.addEventListener("click", () => judging.sendBoth());
part("skip").addEventListener("click", () => judging.skip());
for (const button of document.querySelectorAll("[data-help]")) button.addEventListener("click", toggleHelp);

await notebook.open().catch(() => {}); // until then this browser's drafts are used
sending.flush();
followFragment(() => hand.turn?.turn_id);
queue.start();
filter.start();
showHeard(part("heard"));
