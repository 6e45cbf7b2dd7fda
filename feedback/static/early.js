// Loaded before the page is drawn: a form that this page's modules send, submitted before they have run, waits for them.
// Without it the browser would send the form itself, as an address with what was typed in it.

{
  const waiting = new Set();
  let isReady = false;

  document.addEventListener("submit", (event) => {
    if (isReady || !event.target.matches("form[data-act]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting.add(event.target);
  }, { capture: true });

  // Modules run before this event.
  document.addEventListener("DOMContentLoaded", () => {
    isReady = true;
    for (const form of waiting) form.requestSubmit();
  });
}
