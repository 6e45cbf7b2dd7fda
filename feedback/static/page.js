// Used on every page: a language switch that keeps drafts, times in the reader's zone, and a focused element that is
// fully visible. On the sign-in page it sends the open turn, which is after # in the address, along with the form.

import { turnFragment } from "./place.js";

function chooseLanguage(code) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `language=${code}; path=/; max-age=31536000; SameSite=Lax${secure}`;
  location.reload();
}

for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => chooseLanguage(button.dataset.language));
}

const next = document.querySelector('input[name="next"]');
if (next) next.value += turnFragment();

export function showLocalTimes(root = document) {
  const sameDay = new Date().toDateString();
  for (const time of root.querySelectorAll("time[data-local]")) {
    const at = new Date(time.dateTime);
    const day = at.toDateString() === sameDay ? {} : { month: "short", day: "numeric" };
    time.title = at.toLocaleString(document.documentElement.lang, { dateStyle: "full", timeStyle: "long" });
    time.textContent = at.toLocaleString(document.documentElement.lang, { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  }
}

/** Makes scrollable regions reachable by keyboard. */
export function reachScrolling(root = document) {
  for (const box of root.querySelectorAll(".scroll, .log")) {
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

showLocalTimes();
reachScrolling();
addEventListener("resize", () => reachScrolling());

/* Scrolls a focused element fully into view; browsers do not if a part of it is visible. */
document.addEventListener("keyup", (event) => {
  if (event.key === "Tab" && event.target.matches("a, button, input, summary")) event.target.scrollIntoView({ block: "nearest", inline: "nearest" });
});
