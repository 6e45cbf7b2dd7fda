"""Makes a prompt comparable: one text without what does not tell prompts apart, and the hashes of its grams.

A gram is four characters in a row, or two where most letters are Chinese, since one sign is about a word.
Two prompts are near-duplicates if the shares of grams that they have in common say so (`compare_grams`). This
is lexical: it knows no synonyms.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feedback.records.text import normalise

Hashes = NDArray[np.uint64]

GRAM, CHINESE_GRAM = 4, 2  # characters
LEAST, LEAST_CHINESE = 40, 16  # a shorter text ("thanks, bye") says too little to be called equal
DIGITS = re.compile(r"\d+")
CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
LETTERS = re.compile(r"[^\W\d_]")
_FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64
)


def flatten_prompt(messages: Iterable[Mapping[str, Any]]) -> str:
    """The text by which prompts are compared: all but the system's messages, in equal case and white space,
    and every number as 0, so that two customers' order numbers make no difference.
    """
    said = " ".join(str(message["content"]) for message in messages if message["role"] != "system")
    return DIGITS.sub("0", normalise(said))


def gram_size(text: str) -> int:
    """How many characters a gram of this text has; 0 if it is too short to be compared."""
    if is_mostly_chinese(text):
        return CHINESE_GRAM if len(text) >= LEAST_CHINESE else 0
    return GRAM if len(text) >= LEAST else 0


def is_mostly_chinese(text: str) -> bool:
    """Whether most letters of a text are Chinese, so that a gram of it has two characters."""
    return not text.isascii() and len(CHINESE.findall(text)) * 2 > len(LETTERS.findall(text))


def hash_grams(texts: Sequence[str], size: int) -> tuple[Hashes, NDArray[np.int64]]:
    """The hashes of all grams of these texts one after the other, and where each text's begin. No text may
    have fewer characters than a gram.
    """
    signs = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    hashes = np.zeros(len(signs) - size + 1, np.uint64)
    for place, factor in enumerate(_FACTORS[:size]):
        hashes += signs[place : place + len(hashes)] * factor
    mix_bits(hashes)
    lengths = np.fromiter((len(text) for text in texts), np.int64, len(texts))
    is_whole = np.ones(len(hashes), np.bool_)
    for behind in range(1, size):  # a gram that reaches into the next text is none
        is_whole[np.cumsum(lengths)[:-1] - behind] = False
    counts = lengths - size + 1
    return hashes[is_whole], np.cumsum(counts) - counts


def mix_bits(hashes: Hashes) -> None:
    """Spreads every bit over all others, in place (the finalizer of MurmurHash3)."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        hashes ^= hashes >> np.uint64(33)
        hashes *= np.uint64(factor)
    hashes ^= hashes >> np.uint64(33)


def read_grams(text: str) -> Hashes:
    """The different grams of a text that is long enough to be compared."""
    return np.unique(hash_grams([text], gram_size(text))[0])


def compare_grams(one: Hashes, other: Hashes) -> float:
    """The Jaccard similarity of two sets of grams: the shared ones by all of them."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)
