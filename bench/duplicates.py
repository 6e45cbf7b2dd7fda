"""How long near-duplicates among many prompts take to find, how many are found, and in how much memory.

    python -m bench.duplicates [--prompts 1000000]

Made-up prompts of about 86 characters, half of them English, half Chinese; one in twenty is an earlier one
with some signs changed that still shares 80 % of its grams. First a quarter of them is searched, then all,
in one process; making the prompts does not count. `recall` is the share of those twins that is found;
`false_pairs` are found pairs that share less, counted anew with sets of substrings.
"""

import random
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bench.report import FigureValues, make_parser, print_report
from feedback.duplicates.grams import CHINESE_GRAM, GRAM
from feedback.duplicates.pairs import NEAR, NearPairs, find_near_pairs
from feedback.duplicates.signatures import TextFile

TWIN_EVERY = 20
ADDED_AT_ONCE = 10_000
SYLLABLES = [first + second for first in "bcdfghklmnprstvz" for second in "aeiou"]
_DRAW = random.Random(7)
WORDS = ["".join(_DRAW.choices(SYLLABLES, k=_DRAW.randint(1, 4))) for _ in range(4_000)]
SIGNS = [chr(sign) for sign in _DRAW.sample(range(0x4E00, 0x9FA5), 1_500)]
NOTES = {
    "recall": "share of the twins that were made which are found",
    "false_pairs": "found pairs that share less than 80 % of their grams",
    "cpu_s": "processor seconds for all prompts",
    "time_ratio": "of all prompts over a quarter of them, processor time",
    "peak_gib": "most memory that the process held, the mapped signatures included",
}


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--prompts", type=int, default=1_000_000, help="[default: 1000000]")
    asked = parser.parse_args()
    quarter = measure_search(asked.prompts // 4)
    whole = measure_search(asked.prompts)
    figures: FigureValues = {
        "prompts": asked.prompts,
        **whole,
        "time_ratio": (whole["cpu_s"] or 0) / (quarter["cpu_s"] or 1),
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }
    print_report("duplicates", figures, notes=NOTES)


def measure_search(count: int) -> FigureValues:
    with tempfile.TemporaryDirectory() as folder, closing(TextFile(Path(folder))) as texts:
        numbers: list[int | None] = []
        twins: set[tuple[int, int]] = set()
        spent = 0.0
        for made in make_batches(count):
            start = time.process_time()
            added = [texts.add(text) for text, _ in made]
            spent += time.process_time() - start
            numbers += added
            twins |= {
                (one, other)
                for other, (_, like) in zip(added, made, strict=True)
                if like is not None
                and other is not None
                and (one := numbers[like]) is not None
                and one < other
            }
        start = time.process_time()
        texts.finish()
        pairs = find_near_pairs(texts)
        spent += time.process_time() - start
    found = set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    return {
        "pairs": len(found),
        "recall": len(twins & found) / max(1, len(twins)),
        "false_pairs": count_false(pairs, numbers),
        "cpu_s": spent,
    }


def make_batches(count: int) -> Iterator[list[tuple[str, int | None]]]:
    """Prompts, and which earlier one each is a twin of."""
    for start in range(0, count, ADDED_AT_ONCE):
        yield [make_prompt(place) for place in range(start, min(count, start + ADDED_AT_ONCE))]


def make_prompt(place: int) -> tuple[str, int | None]:
    """The prompt at this place, the same at every call."""
    draw = random.Random(place)
    if place % TWIN_EVERY or place < TWIN_EVERY:
        return write_prompt(draw, place), None
    like = draw.randrange(place)
    like += like % TWIN_EVERY == 0
    text = write_prompt(random.Random(like), like)
    for _ in range(20):
        changed = change_signs(draw, text)
        if changed != text and share_grams(text, changed) >= NEAR:
            return changed, like
    return write_prompt(draw, place), None


def write_prompt(draw: random.Random, place: int) -> str:
    if place % 2:
        return " ".join(draw.choices(WORDS, k=draw.randint(12, 18)))
    return "".join(draw.choices(SIGNS, k=draw.randint(60, 110)))


def change_signs(draw: random.Random, text: str) -> str:
    signs = list(text)
    for _ in range(draw.randint(1, 4)):
        signs[draw.randrange(len(signs))] = draw.choice("xyzw")
    return "".join(signs)


def share_grams(one: str, other: str) -> float:
    """The share of grams in common, by sets of substrings."""
    size = GRAM if one.isascii() else CHINESE_GRAM
    left, right = ({text[at : at + size] for at in range(len(text) - size + 1)} for text in (one, other))
    return len(left & right) / len(left | right)


def count_false(pairs: NearPairs, numbers: list[int | None]) -> int:
    place_of = {number: place for place, number in enumerate(numbers) if number is not None}
    return sum(
        share_grams(make_prompt(place_of[one])[0], make_prompt(place_of[other])[0]) < NEAR
        for one, other in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
    )


if __name__ == "__main__":
    main()
