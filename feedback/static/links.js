// Turns web addresses in a text into links. Only http and https, and only text nodes and anchors: a text is never parsed
// as HTML, and a link shows its whole address and nothing else.

// Spaces, quotes, angle brackets and invisible characters end an address. So do Chinese, Japanese and Korean characters
// and punctuation: they follow an address without a space, and browsers copy addresses with them encoded.
const ADDRESS = /\bhttps?:\/\/[^\s<>"'`{}|\\^\p{C}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u2018-\u201f\u2026\u3000-\u303f\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef]+/giu;
const ENDS_A_SENTENCE = /[.,;:!?*_~\u060c\u061b\u061f]$/u;
const PAIRS = { ")": "(", "]": "[" };

/** The address without the punctuation of the sentence around it. */
function trim(address) {
  for (let kept = address; ; ) {
    const last = kept.at(-1);
    const isUnpaired = PAIRS[last] && kept.split(last).length > kept.split(PAIRS[last]).length;
    if (!ENDS_A_SENTENCE.test(kept) && !isUnpaired) return kept;
    kept = kept.slice(0, -1);
  }
}

/** A name before an @ looks like the host but is not: such an address is no link. */
function isPlace(address) {
  try {
    const { hostname, username, password } = new URL(address);
    return Boolean(hostname) && !username && !password;
  } catch {
    return false;
  }
}

function linkTo(address) {
  const link = document.createElement("a");
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  link.dir = "ltr"; // also inside a text that runs from right to left
  link.textContent = address;
  return link;
}

/** The nodes of a text, in order. */
export function linked(text) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(ADDRESS)) {
    const address = trim(found[0]);
    if (!isPlace(address)) continue;
    if (found.index > done) nodes.push(text.slice(done, found.index));
    nodes.push(linkTo(address));
    done = found.index + address.length;
  }
  if (done < text.length) nodes.push(text.slice(done));
  const all = document.createDocumentFragment();
  all.append(...nodes);
  return all;
}
