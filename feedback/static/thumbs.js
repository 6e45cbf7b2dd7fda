// Thumbs under one reply: a click rates it, another click undoes that; after a thumb down there are reasons and one
// optional line. Every change is a new thumb with the whole state, and the last one counts. chat/rating.js saves it.

import { _ } from "./i18n.js";

const REASONS = {
  wrong: () => _("Wrong"),
  not_asked: () => _("Not what I asked"),
  too_long: () => _("Too long"),
  other: () => _("Something else"),
};

export function thumbsFor(rating) {
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
  const reasons = reasonsFor(rating);
  box.append(row, reasons.box);

  function draw() {
    up.setAttribute("aria-pressed", String(rating.state.value === 1));
    down.setAttribute("aria-pressed", String(rating.state.value === -1));
    reasons.draw();
  }

  const press = (value) => rating.press({ value: rating.state.value === value ? 0 : value });
  up.addEventListener("click", () => press(1));
  down.addEventListener("click", () => press(-1));
  rating.onChange = (words) => {
    thanks.textContent = words;
    draw();
  };
  draw();
  rating.save();
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

function reasonsFor(rating) {
  const box = document.createElement("div");
  box.className = "reasons";
  const chips = document.createElement("div");
  chips.className = "chips";
  const buttons = new Map();
  for (const [code, label] of Object.entries(REASONS)) {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.textContent = label();
    chip.addEventListener("click", () => {
      const { reasons } = rating.state;
      rating.press({ reasons: reasons.includes(code) ? reasons.filter((other) => other !== code) : [...reasons, code] });
    });
    buttons.set(code, chip);
    chips.append(chip);
  }
  const line = document.createElement("input");
  line.maxLength = 500;
  line.dir = "auto";
  line.placeholder = _("Anything to add? (optional)");
  line.setAttribute("aria-label", line.placeholder);
  line.addEventListener("change", () => rating.press({ comment: line.value.trim() }));
  box.append(chips, line);

  function draw() {
    box.hidden = rating.state.value !== -1;
    for (const [code, chip] of buttons) chip.setAttribute("aria-pressed", String(rating.state.reasons.includes(code)));
    if (document.activeElement !== line) line.value = rating.state.comment;
  }

  return { box, draw };
}
