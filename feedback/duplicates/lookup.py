"""Finds out whether a new text is a near-duplicate of one of many, as often as asked.

Unlike a search among all texts (`pairs.py`) it looks through a bucket whole. Memory holds 168 bytes a text
while it is open.
"""

import numpy as np
from numpy.typing import NDArray

from feedback.duplicates.grams import compare_grams, gram_size, read_grams
from feedback.duplicates.pairs import BANDS, LOOKS_NEAR, NEAR, ROWS, hash_rows
from feedback.duplicates.signatures import Signatures, TextFile, sign_texts

Short = NDArray[np.uint32]


class NearLookup:
    """Looks up near-duplicates among the texts of a finished file."""

    def __init__(self, texts: TextFile) -> None:
        self.texts = texts
        self.signatures = texts.map_signatures()
        self.bands = [sort_band(take_band(self.signatures, band)) for band in range(BANDS)]

    def has_near(self, text: str) -> bool:
        """Whether one of the texts is this one or nearly so."""
        if not gram_size(text) or not len(self.texts):
            return False
        signature = sign_texts([text])
        found = [np.empty(0, np.uint32)]
        for band, (buckets, order) in enumerate(self.bands):
            bucket = take_band(signature, band)[0]
            start, end = (np.searchsorted(buckets, bucket, side) for side in ("left", "right"))
            found.append(order[start:end])
        numbers = np.unique(np.concatenate(found)).astype(np.int64)
        estimates = (self.signatures[numbers] == signature).mean(axis=1)
        grams = read_grams(text)
        return any(
            compare_grams(grams, self.texts.read_grams_of(number)) >= NEAR
            for number in numbers[estimates >= LOOKS_NEAR].tolist()
        )


def take_band(signatures: Signatures, band: int) -> Short:
    """The bucket of each signature in a band, in 32 bits: a wrong neighbour costs a comparison."""
    buckets = hash_rows(signatures[:, band * ROWS : (band + 1) * ROWS])
    return (buckets >> np.uint64(32)).astype(np.uint32)


def sort_band(buckets: Short) -> tuple[Short, Short]:
    order = np.argsort(buckets, kind="stable").astype(np.uint32)
    return buckets[order], order
