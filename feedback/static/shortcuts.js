// The workbench's keys. Ctrl+Enter sends from everywhere, Esc leaves the composer; letters and digits are commands only
// outside text fields, and nothing is one while an input method composes.

import { digitOf, isImeCommit, isTextField } from "./keys.js";

export function listenToKeys({ composer, letters, send, pressDigit, leave, isBlocked }) {
  document.addEventListener("keydown", (event) => {
    if (isImeCommit(event) || event.repeat) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
      return;
    }
    if (event.key === "Escape" && event.target === composer) leave();
    if (isTextField(event.target) || event.ctrlKey || event.metaKey || event.altKey || isBlocked()) return;
    const digit = digitOf(event);
    const isDigit = digit !== null && event.key !== "="; // on some layouts = is a shifted digit
    const act = isDigit ? () => pressDigit(digit, event.shiftKey) : letters[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
