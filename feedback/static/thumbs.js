// Thumbs under one reply: press, press again to take back; after a thumb down a few reasons and one optional line.
// Every change is a new thumb with the whole state; the last one counts.

import { _ } from "./i18n.js";

const REASONS = {
  wrong: () => _("Wrong"),
  not_asked: () => _("Not what I asked"),
  too_long: () => _("Too long"),
  other: () => _("Something else"),
};

export function thumbsFor(message, { state, onThumb }) {
  const box = document.createElement("div");
  box.className = "stack";
  const row = document.createElement("div");
  row.className = "thumbs";
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", _("Was this helpful?"));
  const up = thumb("thumb-up", _("Helpful"));
  const down = thumb("thumb-down", _("Not helpful"));
  const thanks = document.createElement("span");
  thanks.className = "small muted";
  thanks.setAttribute("role", "status");
  row.append(up, down, thanks);
  const reasons = reasonsFor(state, () => send());
  box.append(row, reasons);

  function draw() {
    up.setAttribute("aria-pressed", String(state.value === 1));
    down.setAttribute("aria-pressed", String(state.value === -1));
    reasons.hidden = state.value !== -1;
  }

  async function send() {
    draw();
    const sent = { value: state.value, reasons: state.value === -1 ? [...state.reasons] : [] };
    if (state.value === -1 && state.comment) sent.comment = state.comment;
    thanks.textContent = _("Saving…");
    const onWait = (words) => (thanks.textContent = words);
    thanks.textContent = await onThumb(message, sent, onWait) || (state.value === 0 ? _("Taken back.") : _("Thank you."));
  }

  function press(value) {
    state.value = state.value === value ? 0 : value;
    send();
  }

  up.addEventListener("click", () => press(1));
  down.addEventListener("click", () => press(-1));
  draw();
  return box;
}

function thumb(symbol, label) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.setAttribute("aria-label", label);
  button.title = label;
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#${symbol}`);
  drawing.append(use);
  button.append(drawing);
  return button;
}

function reasonsFor(state, onChange) {
  const box = document.createElement("div");
  box.className = "reasons";
  const chips = document.createElement("div");
  chips.className = "chips";
  for (const [code, label] of Object.entries(REASONS)) {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.textContent = label();
    const draw = () => chip.setAttribute("aria-pressed", String(state.reasons.includes(code)));
    chip.addEventListener("click", () => {
      state.reasons = state.reasons.includes(code) ? state.reasons.filter((other) => other !== code) : [...state.reasons, code];
      draw();
      onChange();
    });
    draw();
    chips.append(chip);
  }
  const line = document.createElement("input");
  line.maxLength = 500;
  line.placeholder = _("Anything to add? (optional)");
  line.setAttribute("aria-label", line.placeholder);
  line.value = state.comment || "";
  line.addEventListener("change", () => {
    state.comment = line.value.trim();
    onChange();
  });
  box.append(chips, line);
  return box;
}
