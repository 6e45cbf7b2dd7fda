// Who writes: what the app knows about its customer and this conversation, when an answer is due, and earlier
// conversations, which open in place and are read-only.

import { Refusal, read } from "./api.js";
import { _, languageName, spanOf } from "./i18n.js";
import { linked } from "./links.js";
import { showLocalTimes } from "./page.js";
import { keepValue, readKept } from "./storage.js";
import { bubble, timeOf } from "./thread.js";

const OPEN = "who-open";
const ROOMY = matchMedia("(min-width: 1100px) and (min-height: 700px)");
const SOON_S = 15 * 60;

/** `about` is the line above the thread, `more` the details below it; both show this turn until the signal aborts. */
export async function showWho({ about, more }, turn, signal) {
  showLine(about, turn, null, signal);
  more.hidden = true;
  more.replaceChildren();
  let known;
  try {
    known = await read(`/v1/conversations/${turn.conversation_id}`, { signal });
  } catch (fault) {
    if (signal.aborted || fault instanceof Refusal || fault instanceof TypeError) return; // the thread shows the error
    throw fault;
  }
  if (signal.aborted) return;
  showLine(about, turn, known, signal);
  showMore(more, known);
}

function showLine(about, turn, known, signal) {
  const words = [known?.customer_id, languageName(turn.language)].filter(Boolean);
  about.replaceChildren(...words.flatMap((word, at) => (at ? [" · ", isolate(word)] : [isolate(word)])));
  about.append(...turn.campaigns.flatMap((name) => [" ", campaignMark(name)]));
  if (!turn.due_at) return;
  const due = document.createElement("span");
  const tell = () => {
    const left = (Date.parse(turn.due_at) - Date.now()) / 1000;
    due.className = left < SOON_S ? "mark warn" : "mark";
    due.textContent = left < 0 ? _("overdue by %(span)s", { span: spanOf(-left) }) : _("due in %(span)s", { span: spanOf(left) });
  };
  tell();
  due.title = new Date(turn.due_at).toLocaleString(document.documentElement.lang);
  about.append(" ", due);
  const timer = setInterval(() => (signal.aborted || !due.isConnected ? clearInterval(timer) : tell()), 1000);
}

function campaignMark(name) {
  const mark = isolate(_("Campaign: %(name)s", { name }));
  mark.className = "mark";
  mark.title = _("Picks about this are being collected; answer as ever.");
  return mark;
}

function showMore(more, known) {
  const facts = [...known.fields];
  if (known.customer_details.length) facts.unshift({ name: _("Known as"), value: known.customer_details.join(" · ") });
  if (known.tags.length) facts.push({ name: _("Tags"), value: known.tags.join(" · ") });
  const said = [];
  if (facts.length) said.push(_("Details: %(count)s", { count: facts.length }));
  if (known.earlier.length) said.push(_("Earlier conversations: %(count)s", { count: known.earlier.length }));
  if (!said.length) return;
  const head = document.createElement("summary");
  head.textContent = said.join(" · ");
  const body = document.createElement("div");
  body.className = "known";
  body.tabIndex = 0;
  body.setAttribute("role", "group");
  body.setAttribute("aria-label", head.textContent);
  if (facts.length) body.append(factsOf(facts));
  if (known.earlier.length) body.append(...earlierOf(known.earlier));
  more.replaceChildren(head, body);
  more.open = readKept(OPEN) ?? ROOMY.matches;
  more.hidden = false;
  head.addEventListener("click", () => keepValue(OPEN, !more.open)); // runs before the browser opens or closes it
  showLocalTimes(more);
}

function factsOf(facts) {
  const list = document.createElement("dl");
  for (const { name, value, link } of facts) {
    const pair = document.createElement("div");
    const term = document.createElement("dt");
    term.append(isolate(name));
    const told = document.createElement("dd");
    told.dir = "auto";
    told.append(linked(value));
    if (link) told.append(value ? " " : "", linked(link));
    pair.append(term, told);
    list.append(pair);
  }
  return list;
}

function earlierOf(conversations) {
  const title = document.createElement("h3");
  title.textContent = _("Earlier conversations");
  const list = document.createElement("ul");
  for (const earlier of conversations) {
    const row = document.createElement("li");
    const box = document.createElement("details");
    const head = document.createElement("summary");
    const words = isolate(earlier.text || _("(no text)"));
    if (earlier.language) words.lang = earlier.language;
    head.append(timeOf(earlier.created_at), " ", words);
    box.append(head);
    box.addEventListener("toggle", () => box.open && !box.dataset.read && showEarlier(box, earlier));
    row.append(box);
    list.append(row);
  }
  return [title, list];
}

async function showEarlier(box, earlier) {
  box.dataset.read = "true";
  const list = document.createElement("ol");
  list.className = "messages";
  box.append(list);
  try {
    const { messages } = await read(`/v1/conversations/${earlier.conversation_id}/messages`);
    list.replaceChildren(...messages.map((message) => bubble(message, earlier.language)));
  } catch (fault) {
    list.remove();
    delete box.dataset.read; // asked again when it is opened again
    box.open = false;
    if (!(fault instanceof Refusal || fault instanceof TypeError)) throw fault;
  }
}

/** A word of any text direction inside a line of ours. */
function isolate(word) {
  const piece = document.createElement("bdi");
  piece.textContent = word;
  return piece;
}
