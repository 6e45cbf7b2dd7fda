"""The operation `order`: the sentences of a message in another order, or the clauses of its only sentence.

A greeting stays in front, and no word changes but the case of the letter that begins a sentence.
"""

import re
from random import Random

SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*|\n+")
CLAUSE = re.compile(r",\s+|;\s+|[，；]\s*")
STOPS = ".!?。！？"
CHINESE = re.compile("[\u4e00-\u9fff]")
WORDS, SIGNS = 3, 5  # fewer stay in front: a greeting, a name, an interjection
# That begin a sentence and are no names, so that they may stand inside one in small letters.
SMALL = frozenset(
    "a an and are as at but can could did do does has have he her his how if in is it its my no not on or "
    "our please she since so the their then there these they this those we what when where which who why "
    "will would you your".split()
)


def change_order(text: str, rng: Random) -> str | None:
    """The message in another order; None where nothing can change its place."""
    sentences = [part.strip() for part in SENTENCE.split(text) if part.strip()]
    if len(sentences) > 1:
        moved = move_parts(sentences, rng)
        return join_sentences(moved, CHINESE.search(text) is not None) if moved else None
    body = text.rstrip().rstrip(STOPS)
    moved = move_parts([part.strip() for part in CLAUSE.split(body) if part.strip()], rng)
    if moved is None:
        return None
    joined = ("，" if CHINESE.search(text) else ", ").join(map(lower_begin, moved))
    return (
        (joined[0].upper() if body.lstrip()[0].isupper() else joined[0])
        + joined[1:]
        + text.rstrip()[len(body) :]
    )


def move_parts(parts: list[str], rng: Random) -> list[str] | None:
    """Parts in another order, those that are short at the beginning in their place; None if fewer than two
    can move.
    """
    fixed = 0
    while fixed < len(parts) and is_short(parts[fixed]):
        fixed += 1
    rest = parts[fixed:]
    if len(set(rest)) < 2:
        return None
    moved = rng.sample(rest, len(rest))
    return parts[:fixed] + (moved if moved != rest else rest[1:] + rest[:1])


def join_sentences(parts: list[str], is_chinese: bool) -> str:
    """The sentences in a row. One that ended the message without a full stop gets one before the next."""
    stop = "。" if is_chinese else "."
    ended = [part if part[-1] in STOPS else part + stop for part in parts[:-1]]
    return ("" if is_chinese else " ").join([*ended, parts[-1]])


def is_short(part: str) -> bool:
    return len(part) < SIGNS if CHINESE.search(part) else len(part.split()) < WORDS


def lower_begin(part: str) -> str:
    return part[0].lower() + part[1:] if part.split()[0].lower() in SMALL else part
