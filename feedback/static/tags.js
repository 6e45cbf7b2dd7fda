// The tree of tags by keys, and what a tag means as one call. Keys: up and down move, right and left open and close, Enter
// opens a tag's page, N goes to the field for a new one.

import { Refusal, write } from "./api.js";
import { mayCommand } from "./keys.js";
import { Letters } from "./letters.js";
import { wordsOf } from "./refusals.js";

const part = (name) => document.querySelector(`[data-part="${name}"]`);
const rows = [...document.querySelectorAll(".tree tbody tr")];
const letters = part("letters") && new Letters(part("letters"));
const levelOf = (row) => Number(row.dataset.level);
const shown = () => rows.filter((row) => !row.hidden);

/** The rows below a tag: those after it that lie deeper. */
function below(row) {
  const after = rows.slice(rows.indexOf(row) + 1);
  const end = after.findIndex((each) => levelOf(each) <= levelOf(row));
  return end < 0 ? after : after.slice(0, end);
}

/** Opens or closes a tag; what was closed below it stays closed. */
function open(row, isOpen) {
  row.setAttribute("aria-expanded", String(isOpen));
  let closed = isOpen ? Infinity : levelOf(row);
  for (const each of below(row)) {
    if (levelOf(each) <= closed && isOpen) closed = Infinity;
    each.hidden = levelOf(each) > closed;
    if (!each.hidden && each.getAttribute("aria-expanded") === "false") closed = levelOf(each);
  }
}

function focus(row) {
  if (!row) return;
  for (const each of rows) each.tabIndex = each === row ? 0 : -1;
  row.focus();
}

function move(row, key) {
  const state = row.getAttribute("aria-expanded");
  if (key === "ArrowDown") focus(shown()[shown().indexOf(row) + 1]);
  else if (key === "ArrowUp") focus(shown()[shown().indexOf(row) - 1]);
  else if (key === "ArrowRight" && state === "false") open(row, true);
  else if (key === "ArrowRight" && state) focus(below(row)[0]);
  else if (key === "ArrowLeft" && state === "true") open(row, false);
  else if (key === "ArrowLeft") focus(rows.slice(0, rows.indexOf(row)).reverse().find((each) => levelOf(each) < levelOf(row)));
  else if (key === "Home") focus(shown()[0]);
  else if (key === "End") focus(shown().at(-1));
  else if (key === "Enter") row.querySelector("a").click();
  else return false;
  return true;
}

for (const row of rows) {
  row.addEventListener("keydown", (event) => {
    if (event.target !== row || event.ctrlKey || event.metaKey || event.altKey) return;
    if (move(row, event.key)) event.preventDefault();
  });
  row.querySelector(".twist").addEventListener("click", () => {
    if (row.hasAttribute("aria-expanded")) open(row, row.getAttribute("aria-expanded") === "false");
  });
}

document.addEventListener("keydown", (event) => {
  if (!mayCommand(event) || !letters?.on || event.key.toLowerCase() !== "n") return;
  event.preventDefault();
  part("new-tag").focus();
});

const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

document.querySelector("[data-describe]")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { elements, dataset } = event.target;
  const title = Object.fromEntries(["en", "zh"].map((code) => [code, elements[`title_${code}`].value.trim()]).filter(([, text]) => text));
  const fields = { title, guideline: elements.guideline.value, examples: lines(elements.examples.value), patterns: lines(elements.patterns.value) };
  try {
    await write(dataset.describe, fields, { keep: false });
    location.reload();
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    part("notice").textContent = wordsOf(fault);
    part("notice").className = "note bad";
    part("notice").hidden = false;
  }
});

part("merge")?.focus();
