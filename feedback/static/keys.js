// Keyboard handling that is safe with input methods, and the shortcuts of workbench, label page and tables.

/** True while an input method composes, and for the Enter that ends it: some send key code 229 with isComposing false. */
export function isImeCommit(event) {
  return event.isComposing || (event.keyCode === 229 && !event.altKey);
}

/** True in a text field: single-letter shortcuts do nothing there. */
export function isTextField(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input:not([type=checkbox]), textarea, select"));
}

/** The digit of a key press in any layout, with or without shift, or null. */
export function digitOf(event) {
  const found = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  return found ? Number(found[1]) : null;
}

/** Whether a key press may be a command of one letter, digit or sign: outside text fields, without other keys. */
export function mayCommand(event) {
  return !(isImeCommit(event) || event.repeat || isTextField(event.target) || event.ctrlKey || event.metaKey || event.altKey);
}

/** The keys of a page where people judge. Ctrl+Enter sends from everywhere, Esc leaves the composer; letters, signs (`actOf`
 * tells what one does) and digits are commands only outside text fields and where the person has not switched them off;
 * nothing is one while an input method composes or a dialog is open. */
export function listenToKeys({ composer, actOf, send, pressDigit, leave, areLettersOn, isBlocked }) {
  document.addEventListener("keydown", (event) => {
    if (isImeCommit(event) || event.repeat || isBlocked()) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
      return;
    }
    if (event.key === "Escape" && event.target === composer) leave();
    if (!mayCommand(event) || !areLettersOn()) return;
    const digit = digitOf(event);
    const sign = actOf(event.key.toLowerCase()); // first: on some layouts = and / are shifted digits
    const act = sign ?? (digit === null ? null : () => pressDigit(digit, event.shiftKey));
    if (!act) return;
    event.preventDefault();
    act();
  });
}
