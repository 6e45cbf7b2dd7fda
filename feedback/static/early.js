// Runs before the page is drawn: if a form is submitted before the page's module has run, it waits for it. Without this
// the browser would send the form itself, with the typed text in the address.

{
  const waiting = new Set();
  let isReady = false;

  document.addEventListener("submit", (event) => {
    if (isReady || !event.target.matches("form[data-action]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting.add(event.target);
  }, { capture: true });

  // Sent by console.js. DOMContentLoaded comes before it where the module still waits for the words of the language.
  document.addEventListener("listening", () => {
    isReady = true;
    for (const form of waiting) form.requestSubmit();
  });
}
