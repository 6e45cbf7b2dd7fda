// Runs before the page is drawn: if a form is submitted before the page's modules have loaded, it waits for them. Without
// this the browser would send the form itself, with the typed text in the address.

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
