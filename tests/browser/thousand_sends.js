// Stands in for the workbench's own script: its real drafts, outbox and sends, driven by a test at the speed of the service,
// behind a line that breaks. `before`: the call never left; `after`: the service has done it and the answer is lost.

import { Notebook } from "./notebook.js";
import { Sending } from "./sending.js";

const line = { seed: 1, before: 0, after: 0 };
const straight = globalThis.fetch.bind(globalThis);

function draw() {
  line.seed = (line.seed * 48271) % 2147483647; // Lehmer: the same cuts for the same seed
  return line.seed / 2147483647;
}

globalThis.fetch = async (path, options) => {
  const chance = options.method === "GET" ? 0.5 : draw();
  if (chance < line.before) throw new TypeError("cut before it left");
  const answer = await straight(path, options);
  if (chance > 1 - line.after) throw new TypeError("cut after it was done");
  return answer;
};

const notebook = new Notebook();
const sending = new Sending({ notebook, holds: () => false, onAccepted: () => {}, onStays: () => {} });

function send({ conversation_id, turn_id, set_id, text }) {
  for (const end of [text.length >> 1, text.length]) notebook.keep(conversation_id, { text: text.slice(0, end), turn_id });
  const path = set_id ? `/v1/sets/${set_id}/judgements` : `/v1/conversations/${conversation_id}/messages`;
  const body = set_id ? { kind: "own", text } : { role: "agent", text, turn_id };
  const fields = { text, taken: null, none_good: false, turn_id };
  sending.send(path, body, { turn: { conversation_id, turn_id }, fields, asked: "" }).catch(() => {}); // refusals are kept
}

globalThis.desk = {
  isReady: false,
  /** Writes and sends all of these; breaks the line as it says. Waits for nothing. */
  begin(items, { seed, before, after }) {
    Object.assign(line, { seed, before, after });
    items.forEach(send);
  },
  mend() {
    Object.assign(line, { before: 0, after: 0 });
  },
  isIdle: () => sending.waiting.size === 0 && notebook.unsaved.size === 0,
  tell: () => JSON.stringify([[...sending.waiting.values()], [...notebook.unsaved], { ...localStorage }]),
  list: () => notebook.list().map(({ text }) => text),
};

await notebook.open().catch(() => {});
sending.flush();
desk.isReady = true;
