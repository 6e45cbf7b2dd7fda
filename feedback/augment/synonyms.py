"""The operation `synonym`: one to three words of a message become words that customers use for them.

The lists are `synonyms/en.txt` and `synonyms/zh.txt`; a message in another language stays as it is. A name is
no word of a list: what begins with a capital inside a sentence is left alone.
"""

import re
from functools import cache
from pathlib import Path
from random import Random

MOST_SWAPS = 3
FOLDER = Path(__file__).parent / "synonyms"
LANGUAGES = ("en", "zh")


def swap_synonyms(text: str, language: str, rng: Random) -> str | None:
    """The message with other words; None where no word of it is in the list of its language."""
    if language not in LANGUAGES:
        return None
    pattern, groups = read_synonyms(language)
    found = [match for match in pattern.finditer(text) if not is_name(text, match)]
    if not found:
        return None
    chosen = rng.sample(found, min(len(found), rng.randint(1, MOST_SWAPS)))
    for match in sorted(chosen, key=lambda match: -match.start()):
        word = match.group()
        others = [other for other in groups[word.lower()] if other != word.lower()]
        other = rng.choice(others)
        text = (
            text[: match.start()] + (other.capitalize() if word[0].isupper() else other) + text[match.end() :]
        )
    return text


def is_name(text: str, match: re.Match[str]) -> bool:
    """Whether a word has capitals that no beginning of a sentence explains."""
    word, before = match.group(), text[: match.start()].rstrip()
    begins = not before or before[-1] in ".!?。！？"
    return word != word.lower() and not (begins and word == word.capitalize())


@cache
def read_synonyms(language: str) -> tuple[re.Pattern[str], dict[str, tuple[str, ...]]]:
    """A pattern for every word of a list, the longest first, and the group of each."""
    lines = (FOLDER / f"{language}.txt").read_text("utf-8").splitlines()
    groups = [tuple(line.split(", ")) for line in lines if line and not line.startswith("#")]
    words = sorted((word for group in groups for word in group), key=len, reverse=True)
    edge = r"[\w'’-]" if language == "en" else "(?!)"  # Chinese has no spaces between words
    pattern = rf"(?<!{edge})(?:{'|'.join(map(re.escape, words))})(?!{edge})"
    return re.compile(pattern, re.IGNORECASE), {word: group for group in groups for word in group}
