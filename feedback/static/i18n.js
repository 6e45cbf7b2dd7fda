// Words of the page's language: the same catalogue as the templates, fetched once as JSON. English is the key itself.
// Call _ with plain literals only: the extractor reads them from here.

const address = document.documentElement.dataset.catalogue;

async function readCatalogue() {
  if (!address) return {};
  try {
    const answer = await fetch(address);
    return answer.ok ? await answer.json() : {};
  } catch {
    return {}; // English words are better than a page that does not start
  }
}

const catalogue = await readCatalogue();

export function _(text, values = {}) {
  const words = catalogue[text] || text;
  return words.replace(/%\((\w+)\)s/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** How long ago in the shortest useful unit: 40 s, 12 min, 3 h. */
export function spanOf(seconds) {
  if (seconds < 60) return _("%(count)s s", { count: Math.max(0, Math.floor(seconds)) });
  if (seconds < 5400) return _("%(count)s min", { count: Math.round(seconds / 60) });
  if (seconds < 172800) return _("%(count)s h", { count: Math.round(seconds / 3600) });
  return _("%(count)s d", { count: Math.round(seconds / 86400) });
}

const names = new Map(); // creating one takes the browser longer than drawing a row

/** The names of languages in those languages. */
export function languageName(code) {
  const base = (code || "").split("-")[0];
  if (base && !names.has(base)) names.set(base, new Intl.DisplayNames([base], { type: "language", fallback: "none" }).of(base));
  return base && (names.get(base) || code);
}
