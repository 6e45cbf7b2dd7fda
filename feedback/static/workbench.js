// The agents' workbench: the turn in hand, its composer and the keys. Queue, cards and undo bar are modules of their own.
// Nothing here knows where a suggestion comes from. A turn's draft is kept at every key press.

import { Refusal, flushOutbox, follow, write } from "./api.js";
import { Cards, letterOf } from "./cards.js";
import { dropDraft, dropOldDrafts, keepDraft, readDraft, replaceText } from "./drafts.js";
import { announce, explain, notice, part, showState } from "./notices.js";
import { Queue } from "./queue.js";
import { listenToKeys } from "./shortcuts.js";
import { showThread } from "./thread.js";
import { Undo } from "./undo.js";
import { _, languageName } from "./words.js";

const root = part("desk");
const UNDO_S = Number(root.dataset.undoSeconds);
const CARDS = Number(root.dataset.cards);

const composer = part("composer");
const hand = fresh(null);

/** Everything about the turn in hand; replaced as a whole when another is opened. */
function fresh(turn) {
  return { turn, set: null, taken: null, tie: null, none: false, closed: false, revealedAt: 0, stop: new AbortController(), busy: false };
}

const cards = new Cards(part("cards"), (index, { sendNow }) => (sendNow ? takeAndSend(index) : choose(index)));
const queue = new Queue(part("queue"), part("queue-empty"), part("queue-count"), (turn) => openTurn(turn), onQueue);
const undo = new Undo(part("undo"), { onUndone, onRefused: explain, announce });

/* Opening a turn */

/** `keepFocus`: the agent is writing, so the keys stay text; else they are commands for the new turn. */
async function openTurn(turn, { keepFocus = false } = {}) {
  if (!turn || (hand.turn?.turn_id === turn.turn_id && !hand.closed)) return;
  hand.stop.abort();
  Object.assign(hand, fresh(turn));
  const { stop } = hand;
  queue.mark(turn.turn_id);
  notice("");
  showState("");
  part("thread").hidden = false;
  part("offers").hidden = false;
  part("nothing").hidden = true;
  part("about").textContent = languageName(turn.language);
  composer.lang = turn.language || "";
  restoreDraft();
  if (!keepFocus) focusPage();
  cards.waitFor(CARDS);
  showThread(part("messages"), turn, stop.signal);
  try {
    await write(`/v1/turns/${turn.turn_id}/claim`, {}, { keep: false });
  } catch (fault) {
    if (stop.signal.aborted) return;
    if (!(fault instanceof Refusal)) throw fault;
    closeCards(fault.code === "turn_claimed" ? _("A colleague is answering this one.") : `${fault.message} ${fault.hint}`);
    return;
  }
  if (!stop.signal.aborted) follow(() => `/v1/turns/${turn.turn_id}/suggestions?wait=30`, showSet, { signal: stop.signal, onTrouble: onSetTrouble });
}

function focusPage() {
  document.getElementById("main").focus({ preventScroll: true });
}

function showSet(answer) {
  if (answer.state === "preparing") return "again";
  hand.set = answer;
  if (answer.state === "ready") {
    const different = answer.candidates.filter((candidate) => candidate.state !== "merged"); // stands in another card
    if (!different.some((candidate) => candidate.state === "ready")) return noSuggestions();
    cards.reveal(different);
    hand.revealedAt = performance.now();
    markCards();
    if (hand.none) showNone();
    else announce(_("The suggestions are ready."));
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
  if (!hand.turn) openNext();
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
  hand.stop.abort();
  Object.assign(hand, fresh(null));
  queue.mark(null);
  part("thread").hidden = true;
  part("offers").hidden = true;
  part("nothing").hidden = false;
  focusPage();
}

/* Draft */

function restoreDraft() {
  const draft = readDraft(hand.turn.turn_id);
  composer.value = draft?.text || "";
  hand.taken = draft?.taken || null;
  hand.none = Boolean(draft?.none);
  showOrigin();
}

function saveDraft() {
  if (!hand.turn) return;
  if (composer.value || hand.none) keepDraft(hand.turn.turn_id, { text: composer.value, taken: hand.taken, none: hand.none });
  else dropDraft(hand.turn.turn_id);
}

function showOrigin() {
  const at = cards.candidates.findIndex((candidate) => candidate.candidate_id === hand.taken);
  let words = "";
  if (hand.tie) words = _("Tie: mark the equally good ones. The one in the composer is sent.");
  else if (at >= 0 && composer.value === cards.candidates[at].text) words = _("%(letter)s, unchanged", { letter: letterOf(at) });
  else if (at >= 0) words = _("%(letter)s, edited", { letter: letterOf(at) });
  else if (composer.value) words = _("Your own text");
  else if (hand.none) words = _("None was good: write your own.");
  part("origin").textContent = words;
  part("send").disabled = hand.busy;
}

function markCards() {
  cards.show({ taken: hand.taken, equal: hand.tie });
  part("tie").setAttribute("aria-pressed", String(Boolean(hand.tie)));
  part("none").setAttribute("aria-pressed", String(hand.none));
  showOrigin();
}

/* Choosing */

function choose(index) {
  const candidate = cards.usable(index);
  if (!candidate || hand.busy) return;
  if (hand.tie) return toggleEqual(candidate, index);
  take(candidate);
  announce(_("%(letter)s is in the composer.", { letter: letterOf(index) }));
}

function take(candidate, { focus = true } = {}) {
  hand.taken = candidate.candidate_id;
  replaceText(composer, candidate.text);
  if (!focus) focusPage();
  saveDraft();
  markCards();
}

function takeAndSend(index) {
  const candidate = cards.usable(index);
  if (!candidate || hand.busy) return;
  if (hand.tie && !hand.tie.includes(candidate.candidate_id)) hand.tie.push(candidate.candidate_id);
  take(candidate, { focus: false });
  send();
}

function toggleTie() {
  if (!cards.candidates.length || cards.closed || hand.none) return;
  hand.tie = hand.tie ? null : [];
  if (hand.tie && hand.taken) hand.tie.push(hand.taken);
  if (hand.tie) focusPage();
  announce(hand.tie ? _("Tie: press the numbers of the equally good ones, then Ctrl+Enter.") : _("Tie ended."));
  markCards();
}

function toggleEqual(candidate, index) {
  const id = candidate.candidate_id;
  const isMarked = hand.tie.includes(id);
  hand.tie = isMarked ? hand.tie.filter((other) => other !== id) : [...hand.tie, id];
  const sent = hand.tie.includes(hand.taken) ? hand.taken : hand.tie[0];
  const next = cards.candidates.find((other) => other.candidate_id === sent);
  if (next && next.candidate_id !== hand.taken) take(next, { focus: false });
  else if (!next) {
    hand.taken = null;
    composer.value = "";
  }
  announce(isMarked ? _("%(letter)s is no longer marked.", { letter: letterOf(index) }) : _("%(letter)s is marked as equal.", { letter: letterOf(index) }));
  saveDraft();
  markCards();
}

async function judgeNone() {
  if (!cards.candidates.length || cards.closed || hand.none || hand.busy) return;
  const { turn } = hand;
  hand.none = true;
  hand.tie = null;
  hand.taken = null;
  replaceText(composer, "");
  saveDraft();
  showNone();
  const answer = await judge({ kind: "none" });
  if (answer) undo.offer({ judgement_id: answer.judgement_id, turn, kind: "none", words: _("Noted: none is good.") }, UNDO_S);
}

function showNone() {
  cards.close();
  markCards();
  composer.focus();
}

async function skip() {
  if (!hand.turn || hand.busy) return;
  const { turn } = hand;
  queue.skipped.add(turn.turn_id);
  if (hand.set?.state === "ready" && !hand.closed) {
    const answer = await judge({ kind: "skip" });
    if (answer) undo.offer({ judgement_id: answer.judgement_id, turn, kind: "skip", words: _("Skipped.") }, UNDO_S);
  }
  await queue.refresh();
  const other = queue.next(turn.turn_id);
  if (other) openTurn(other);
  else announce(_("No other turn is waiting."));
}

/* Sending */

function verdict(text) {
  const taken = cards.candidates.find((candidate) => candidate.candidate_id === hand.taken);
  if (taken && text === taken.text.trim()) {
    if (hand.tie?.length > 1) return { kind: "tie", candidate_id: taken.candidate_id, candidate_ids: hand.tie };
    return { kind: "pick", candidate_id: taken.candidate_id };
  }
  if (taken) return { kind: "edit", candidate_id: taken.candidate_id, text };
  return { kind: "own", text };
}

async function judge(fields) {
  const { turn, set } = hand;
  const body = { ...fields, occurred_at: new Date().toISOString() };
  if (hand.revealedAt) body.dwell_ms = Math.round(performance.now() - hand.revealedAt);
  return sending(() => write(`/v1/sets/${set.set_id}/judgements`, body, { onState: showState }), turn);
}

/** Runs one write; refusals are explained and give null, and the draft stays. */
async function sending(post, turn) {
  hand.busy = true;
  showOrigin();
  try {
    return await post();
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    showState("");
    if (hand.turn?.turn_id === turn.turn_id) onRefusal(fault);
    return null;
  } finally {
    if (hand.turn?.turn_id === turn.turn_id) hand.busy = false;
    showOrigin();
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
  const judged = hand.set?.state === "ready";
  const answer = judged
    ? await judge(verdict(text))
    : await sending(() => write(`/v1/conversations/${turn.conversation_id}/messages`, { role: "agent", text }, { onState: showState }), turn);
  if (!answer) return;
  dropDraft(turn.turn_id);
  queue.change(turn.turn_id);
  if (answer.judgement_id) {
    undo.offer({ judgement_id: answer.judgement_id, turn, kind: "sent", text, taken, words: _("The customer sees it in") }, UNDO_S);
    announce(_("Sent. Z takes it back within %(seconds)s seconds.", { seconds: UNDO_S }));
  } else {
    announce(_("Sent."));
  }
  if (hand.turn?.turn_id !== turn.turn_id) return;
  hand.stop.abort();
  openNext();
}

function onRefusal(fault) {
  if (fault.code === "already_judged") closeCards(_("A colleague has answered meanwhile. Your text is kept below."));
  else if (fault.code === "turn_superseded") closeCards(superseded());
  else explain(fault);
}

async function onUndone(verdict, answer) {
  showState("");
  if (answer.message === "sent") {
    announce(_("The customer has it already. The choice is withdrawn and trains nothing."));
    notice(_("The customer has it already. The choice is withdrawn and trains nothing."));
    return;
  }
  announce(_("Taken back."));
  if (verdict.kind === "sent") keepDraft(verdict.turn.turn_id, { text: verdict.text, taken: verdict.taken, none: false });
  if (verdict.kind === "none") dropDraft(verdict.turn.turn_id);
  queue.skipped.delete(verdict.turn.turn_id);
  queue.change();
  await queue.refresh();
  if (verdict.kind === "none" && hand.turn?.turn_id === verdict.turn.turn_id) {
    hand.none = false;
    cards.reopen();
    saveDraft();
    markCards();
    return;
  }
  hand.closed = true;
  await openTurn(queue.find(verdict.turn.turn_id) || verdict.turn);
}

/* Keys */

function toggleHelp() {
  const help = part("help");
  if (help.open) help.close();
  else help.showModal();
}

const letters = {
  j: () => openTurn(queue.neighbour(1)),
  k: () => openTurn(queue.neighbour(-1)),
  s: skip,
  z: () => undo.undo(),
  u: () => undo.undo(),
  e: () => composer.focus(),
  "=": toggleTie,
  "?": toggleHelp,
};

listenToKeys({
  composer,
  letters,
  send,
  pressDigit,
  leave: focusPage,
  isBlocked: () => part("help").open,
});

function pressDigit(digit, shifted) {
  if (digit === 0 && !shifted) judgeNone();
  else if (digit >= 1 && shifted) takeAndSend(digit - 1);
  else if (digit >= 1) choose(digit - 1);
}

composer.addEventListener("input", () => {
  if (!composer.value) hand.taken = null;
  saveDraft();
  markCards();
});
part("send").addEventListener("click", send);
part("none").addEventListener("click", judgeNone);
part("tie").addEventListener("click", toggleTie);
part("skip").addEventListener("click", skip);
for (const button of document.querySelectorAll("[data-help]")) button.addEventListener("click", toggleHelp);

dropOldDrafts();
flushOutbox((path) => path.startsWith("/v1/"));
queue.start();
