// On every page: language switch that keeps drafts, times in the reader's zone, and a focus that is seen whole. On the sign-in
// page: the open turn, which a browser keeps behind # when it is sent there, goes back with the form.

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

/** What scrolls takes the keyboard, too. */
export function reachScrolling(root = document) {
  for (const box of root.querySelectorAll(".scroll, .log")) {
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

showLocalTimes();
reachScrolling();
addEventListener("resize", () => reachScrolling());

/* Browsers leave what Tab leads to where it is when a part of it shows. */
document.addEventListener("keyup", (event) => {
  if (event.key === "Tab" && event.target.matches("a, button, input, summary")) event.target.scrollIntoView({ block: "nearest", inline: "nearest" });
});
