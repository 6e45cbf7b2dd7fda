"""What the words of a reply say of the crowd's taste, learnt from the picks of other conversations.

A conditional logit on hashed words and pairs of neighbouring words. The row of each reply has length 1, and
each weight a standard normal prior. Five-fold cross-fitting: the model is fitted on four fifths of the
conversations and applied to the last fifth, in turn. So its score of a pick comes from other conversations,
and it does not agree with a blind pick because it saw it.
"""

from collections.abc import Collection, Sequence
from itertools import chain, pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from feedback.experiments.conditional_logit import ChoiceRows, find_starts, fit_logit
from feedback.records.distance import split_tokens
from trainer.data.pair_rows import hash_share

Array = NDArray[np.float64]
Words = NDArray[np.uint16]

BUCKETS = 1 << 14
PARTS = 5


def hash_words(text: str) -> Words:
    """The hash buckets of a text's words and of its pairs of neighbouring words, each once, in order."""
    words = split_tokens(text)
    parts = chain(words, (f"{left} {right}" for left, right in pairwise(words)))
    return np.unique(np.array([crc32(part.encode()) % BUCKETS for part in parts], dtype=np.uint16))


def cross_fit_scores(
    replies: Sequence[Sequence[Words]], picked: Sequence[Collection[int]], conversations: Sequence[str]
) -> list[Array]:
    """The logit of each reply of each pick, from other conversations. `picked`: places of what was."""
    sizes = [len(offered) for offered in replies]
    won = np.array(
        [place in taken for size, taken in zip(sizes, picked, strict=True) for place in range(size)]
    )
    matrix = count_words([words for offered in replies for words in offered])
    parts = [int(PARTS * hash_share("opinions", name)) for name in conversations]
    found = np.zeros(len(won))
    for part in range(PARTS):
        asked = np.repeat(parts, sizes) == part
        if asked.any() and not asked.all():
            others = [size for size, its in zip(sizes, parts, strict=True) if its != part]
            rows = ChoiceRows(matrix[~asked], find_starts(others), won[~asked])
            found[asked] = matrix[asked] @ fit_logit(rows, precision=1.0)
    return np.split(found, np.cumsum(sizes)[:-1])


def count_words(replies: Sequence[Words]) -> csr_matrix:
    """A sparse matrix (replies, buckets in use, at least 1) with rows of length 1, or 0 without words."""
    counts = np.array([len(words) for words in replies])
    starts = np.concatenate([[0], counts.cumsum()])
    values = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts)
    seen, columns = np.unique(np.concatenate(replies), return_inverse=True)
    return csr_matrix((values, columns, starts), shape=(len(replies), max(len(seen), 1)))
