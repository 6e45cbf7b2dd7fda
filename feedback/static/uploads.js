// Sends chosen or dropped files in pieces, one file after another. A piece that gets lost is sent again; the service looks
// at a file once all of it is there. A browser holds one piece of a file in memory.

import { Refusal, backOff, pause, put, write } from "./api.js";
import { wordsOf } from "./refusals.js";
import { _ } from "./i18n.js";

const form = document.querySelector('[data-part="upload"]');
const list = document.querySelector('[data-part="sending"]');
const drop = document.querySelector('[data-part="drop"]');
const send = form.querySelector("button[type=submit]");
const ASKED_AGAIN = 20; // times in a row that a piece is sent again: several minutes

/* One file in the list: its name, how far it is, what became of it. */
class Sending {
  constructor(file) {
    this.file = file;
    this.ending = new AbortController();
    this.row = document.createElement("li");
    this.name = document.createElement("strong");
    this.name.textContent = file.name;
    this.bar = document.createElement("progress");
    this.bar.max = file.size || 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", file.name);
    this.cancel = document.createElement("button");
    this.cancel.type = "button";
    this.cancel.textContent = _("Cancel");
    this.cancel.setAttribute("aria-label", _("Cancel %(name)s", { name: file.name }));
    this.cancel.addEventListener("click", () => this.ending.abort(new DOMException("", "AbortError")));
    this.row.append(this.name, this.bar, this.cancel);
    list.append(this.row);
  }

  say(words, kind = "") {
    const said = document.createElement("span");
    said.className = kind ? `note ${kind}` : "muted";
    said.textContent = words;
    this.row.replaceChildren(this.name, said);
  }

  lead(importId) {
    const link = document.createElement("a");
    link.href = addressOf(importId);
    link.textContent = _("Look at it");
    link.setAttribute("aria-label", _("Look at %(name)s", { name: this.file.name }));
    this.row.replaceChildren(this.name, link);
  }
}

const addressOf = (importId) => `/console/imports/${encodeURIComponent(importId)}`;

function readPiece(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}

async function sendPiece(importId, at, blob, signal) {
  const data = await readPiece(blob);
  for (let failures = 0; ; failures += 1) {
    signal.throwIfAborted();
    try {
      return await put(`/v1/imports/${importId}/pieces`, { at, data });
    } catch (fault) {
      const isFinal = fault instanceof Refusal && fault.status < 500 && fault.status !== 429;
      if (isFinal || failures >= ASKED_AGAIN) throw fault;
      await pause(backOff(failures, fault), signal);
    }
  }
}

/* The id of the import whose file has arrived. */
async function sendFile(sending, asked) {
  const { file, ending } = sending;
  const opened = await write("/v1/imports", { file: file.name.slice(-200), size: file.size, ...asked }, { keep: false });
  try {
    for (let at = 0; at < file.size; at += opened.piece_bytes) {
      await sendPiece(opened.import_id, at, file.slice(at, at + opened.piece_bytes), ending.signal);
      sending.bar.value = Math.min(file.size, at + opened.piece_bytes);
    }
  } catch (fault) {
    if (!(fault instanceof Refusal)) await write(`/v1/imports/${opened.import_id}/cancel`, {}, { keep: false }).catch(() => {});
    throw fault;
  }
  return opened.import_id;
}

function readColumns(text) {
  const pairs = text.split(/\s+/).filter(Boolean).map((pair) => pair.split(/=(.*)/s).slice(0, 2));
  return pairs.every(([ours, column]) => ours && column) ? Object.fromEntries(pairs) : null;
}

function readAsked() {
  const { source, encoding, columns } = form.elements;
  const named = readColumns(columns.value);
  columns.setCustomValidity(named ? "" : _("Write OURS=COLUMN, with a space between two of them."));
  if (!form.reportValidity()) return null;
  const asked = { source: source.value.trim(), encoding: encoding.value };
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value));
  return Object.keys(named).length ? { ...given, columns: named } : given;
}

function findFault(file) {
  if (!file.size) return _("The file is empty.");
  if (file.size > Number(form.dataset.largest)) return wordsOf(new Refusal(413, { code: "upload_too_large" }));
  return "";
}

async function sendAll() {
  const asked = readAsked();
  if (!asked) return;
  const all = [...form.elements.files.files].map((file) => new Sending(file));
  const arrived = [];
  send.disabled = true;
  addEventListener("beforeunload", warn);
  for (const sending of all) {
    const fault = findFault(sending.file);
    if (fault) {
      sending.say(fault, "bad");
      continue;
    }
    try {
      arrived.push(await sendFile(sending, asked));
      sending.lead(arrived.at(-1));
    } catch (thrown) {
      if (thrown.name === "AbortError") sending.say(_("Cancelled."));
      else if (thrown instanceof Refusal) sending.say(wordsOf(thrown), "bad");
      else sending.say(_("The file could not be read or sent. Check that it is still there, then choose it again."), "bad");
    }
  }
  removeEventListener("beforeunload", warn);
  send.disabled = false;
  if (all.length === 1 && arrived.length === 1) location.assign(addressOf(arrived[0]));
  else form.elements.files.value = "";
}

const warn = (event) => event.preventDefault();

form.addEventListener("submit", (event) => {
  event.preventDefault();
  sendAll();
});
form.elements.columns.addEventListener("input", (event) => event.target.setCustomValidity(""));
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length) form.elements.files.files = event.dataTransfer.files;
});
send.disabled = false;
