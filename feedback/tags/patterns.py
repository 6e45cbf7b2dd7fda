"""Patterns: words that propose a tag for a conversation. A person confirms it; no pattern sets a tag.

    refund          this word, whatever its case
    money back      these words side by side
    refund*         words that begin with it; *fund words that end with it
    退款             these characters anywhere: Chinese and Japanese put no blanks between words

Words and * alone, no regular expressions: what a pattern becomes has nothing to try twice, so the longest
message takes a moment.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from feedback.errors import ApiError

MOST_PATTERNS, LONGEST_PATTERN, LEAST_LETTERS = 20, 80, 2
# A letter or digit of a script that puts blanks between words.
LETTER = r"[^\W_⺀-鿿가-힯豈-﫿]"
AROUND = 40  # characters shown on each side of what matched


class PatternInvalid(ApiError):
    def __init__(self, pattern: str, why: str) -> None:
        super().__init__(
            422,
            "pattern_invalid",
            f"The pattern {pattern[:80]!r} cannot be used: {why}.",
            "A pattern is one or more words; * may begin or end a word.",
        )


@dataclass(frozen=True)
class Hit:
    """Where a pattern was found: the text before, the text itself, the text after."""

    pattern: str
    before: str
    text: str
    after: str


def check_patterns(patterns: Sequence[str]) -> list[str]:
    """The patterns with single blanks, each once. Raises PatternInvalid."""
    found = list(dict.fromkeys(" ".join(pattern.split()) for pattern in patterns))
    if len(found) > MOST_PATTERNS:
        raise PatternInvalid(found[MOST_PATTERNS], f"a tag has at most {MOST_PATTERNS}")
    for pattern in found:
        if why := find_pattern_fault(pattern):
            raise PatternInvalid(pattern, why)
    return found


def find_pattern_fault(pattern: str) -> str | None:
    if len(pattern) > LONGEST_PATTERN:
        return f"it is longer than {LONGEST_PATTERN} characters"
    words = pattern.split()
    if any("*" in word[1:-1] or not word.strip("*") for word in words):
        return "* stands inside a word or alone"
    if not pattern.isprintable():
        return "it has characters that nobody sees"
    if sum(character.isalnum() for character in pattern) < LEAST_LETTERS:
        return f"it has fewer than {LEAST_LETTERS} letters or digits"
    return None


@lru_cache(maxsize=1_000)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(r"\s+".join(map(_compile_word, pattern.split())), re.IGNORECASE)


def _compile_word(word: str) -> str:
    text = word.strip("*")
    begins = "" if word.startswith("*") or not re.match(LETTER, text[0]) else rf"(?<!{LETTER})"
    ends = "" if word.endswith("*") or not re.match(LETTER, text[-1]) else rf"(?!{LETTER})"
    return f"{begins}{re.escape(text)}{ends}"


def match_patterns(patterns: Sequence[str], message: str) -> Hit | None:
    """The first of the patterns that is in the message, with what stands around it."""
    for pattern in patterns:
        found = compile_pattern(pattern).search(message)
        if found is not None:
            start, end = found.span()
            before, after = message[max(0, start - AROUND) : start], message[end : end + AROUND]
            cut_before, cut_after = "…" * (start > AROUND), "…" * (end + AROUND < len(message))
            return Hit(pattern, cut_before + before, found[0], after + cut_after)
    return None


def longest_word(pattern: str) -> str:
    """The part of a pattern that every message with it has, by which a database can look."""
    return max((word.strip("*") for word in pattern.split()), key=len)
