// The difference of two texts: pieces that were removed and pieces that were added. Pieces are words where a language
// separates words, single characters elsewhere. They are marked as deleted and inserted text, so by line and underline,
// not by colour alone.

const ALONE = "[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}]";
const PIECES = new RegExp(`${ALONE}|(?:(?!${ALONE})[\\p{L}\\p{N}\\p{M}])+|\\s+|.`, "gsu");
const MOST = 1_000_000; // pairs of pieces to compare; beyond that, everything between equal ends counts as changed

function split(text) {
  return text.match(PIECES) || [];
}

/** How many pieces two lists share at their ends: [at the beginning, at the end without those]. */
function sharedEnds(before, after) {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < most - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  return [head, tail];
}

/** The longest common subsequence of the parts between the ends, read from a table of its lengths. */
function* compare(before, after) {
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  for (let row = before.length - 1; row >= 0; row -= 1) {
    for (let column = after.length - 1; column >= 0; column -= 1) {
      lengths[row * width + column] = before[row] === after[column]
        ? lengths[(row + 1) * width + column + 1] + 1
        : Math.max(lengths[(row + 1) * width + column], lengths[row * width + column + 1]);
    }
  }
  let [row, column] = [0, 0];
  while (row < before.length || column < after.length) {
    if (row < before.length && column < after.length && before[row] === after[column]) {
      yield ["same", before[row]];
      row += 1;
      column += 1;
    } else if (column === after.length || (row < before.length && lengths[(row + 1) * width + column] >= lengths[row * width + column + 1])) {
      yield ["gone", before[row]];
      row += 1;
    } else {
      yield ["come", after[column]];
      column += 1;
    }
  }
}

/** [kind, text] in order; kind is same, gone or come, and neighbours of a kind are joined. */
export function difference(before, after) {
  const [old, now] = [split(before), split(after)];
  const [head, tail] = sharedEnds(old, now);
  const gone = old.slice(head, old.length - tail);
  const come = now.slice(head, now.length - tail);
  const middle = gone.length * come.length > MOST ? [["gone", gone.join("")], ["come", come.join("")]] : compare(gone, come);
  const parts = [];
  for (const [kind, text] of [["same", old.slice(0, head).join("")], ...middle, ["same", old.slice(old.length - tail).join("")]]) {
    if (!text) continue;
    if (parts.at(-1)?.[0] === kind) parts.at(-1)[1] += text;
    else parts.push([kind, text]);
  }
  return parts;
}

const ELEMENTS = { gone: "del", come: "ins" };

export function showDifference(element, before, after) {
  element.replaceChildren(...difference(before, after).map(([kind, text]) => {
    if (kind === "same") return text;
    const marked = document.createElement(ELEMENTS[kind]);
    marked.textContent = text;
    return marked;
  }));
}
