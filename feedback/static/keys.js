// Keys that are safe with input methods.

/** True while an input method composes, and for the Enter that ends it: some send key code 229 with isComposing false. */
export function isImeCommit(event) {
  return event.isComposing || (event.keyCode === 229 && !event.altKey);
}

/** True where letters are text: single-letter keys stay silent there. */
export function isTextField(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}

/** The digit of a key press whatever the layout and shift, or null. */
export function digitOf(event) {
  const found = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  return found ? Number(found[1]) : null;
}
