// Disputes by keys: D goes to the next one.

import { isImeCommit, isTextField } from "./keys.js";
import { Letters } from "./letters.js";

const part = (name) => document.querySelector(`[data-part="${name}"]`);
const letters = part("letters") && new Letters(part("letters"));

document.addEventListener("keydown", (event) => {
  if (isImeCommit(event) || event.repeat || isTextField(event.target) || !letters?.on) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.key.toLowerCase() !== "d") return;
  const way = part("disputes") ?? part("next-dispute");
  if (!way) return;
  event.preventDefault();
  way.click();
});
