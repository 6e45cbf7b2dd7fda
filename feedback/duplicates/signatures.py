"""Writes a short signature (MinHash) of each text into a file, so that a million texts are compared without
being in memory.

Where two texts share a share s of their grams, their signatures agree in a share of about s of their 126
numbers. Signatures are mapped into memory, texts are read by their place in a file; memory holds a few words
a text.
"""

from array import array
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from feedback.duplicates.grams import CHINESE_GRAM, GRAM, Hashes, gram_size, hash_grams, read_grams

PERMUTATIONS = 126
AT_ONCE = 200_000  # characters: what is hashed at once stays in the processor's cache
_DRAW = np.random.default_rng(20_260_101)
_FACTORS = _DRAW.integers(0, 2**32, PERMUTATIONS, dtype=np.uint32) | np.uint32(1)
_OFFSETS = _DRAW.integers(0, 2**32, PERMUTATIONS, dtype=np.uint32)

Signatures = NDArray[np.uint32]


class TextFile:
    """Texts and their signatures in a folder. Equal texts are one, and have one number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._texts = (folder / "texts.part").open("w+b")
        self._rows = (folder / "signatures.part").open("w+b")
        self._ends = array("Q", [0])
        self._number_of: dict[int, int] = {}
        self._waiting: list[str] = []
        self._waiting_signs = 0

    def __len__(self) -> int:
        return len(self._number_of)

    def add(self, text: str) -> int | None:
        """The number of the text, or None if it is too short to be compared."""
        if not gram_size(text):
            return None
        encoded = text.encode("utf-8", "surrogatepass")
        number = len(self)
        known = self._number_of.setdefault(int.from_bytes(blake2b(encoded, digest_size=8).digest()), number)
        if known == number:
            self._texts.write(encoded)
            self._ends.append(self._ends[-1] + len(encoded))
            self._waiting.append(text)
            self._waiting_signs += len(text)
            if self._waiting_signs >= AT_ONCE:
                self._sign()
        return known

    def _sign(self) -> None:
        sign_texts(self._waiting).tofile(self._rows)
        self._waiting, self._waiting_signs = [], 0

    def finish(self) -> None:
        """Signs what waits. No text may be added afterwards."""
        if self._waiting:
            self._sign()
        self._rows.flush()
        self._texts.flush()

    def map_signatures(self) -> Signatures:
        """All signatures, one a row, in order of the texts' numbers."""
        shape = (len(self), PERMUTATIONS)
        if not len(self):
            return np.empty(shape, np.uint32)
        return np.memmap(self.folder / "signatures.part", np.uint32, "r", shape=shape)

    def read_keys(self) -> Hashes:
        """A hash of each text, which does not depend on the order in which they came."""
        return np.fromiter(self._number_of, np.uint64, len(self))

    def read_grams_of(self, number: int) -> Hashes:
        self._texts.seek(self._ends[number])
        encoded = self._texts.read(self._ends[number + 1] - self._ends[number])
        return read_grams(encoded.decode("utf-8", "surrogatepass"))

    def close(self) -> None:
        """Closes the files and removes them."""
        for file in (self._texts, self._rows):
            file.close()
            Path(file.name).unlink(missing_ok=True)


def sign_texts(texts: list[str]) -> Signatures:
    """The signatures of texts, none of them too short: of each permutation of all grams the least of a
    text's.
    """
    signed = np.empty((len(texts), PERMUTATIONS), np.uint32)
    sizes = np.fromiter((gram_size(text) for text in texts), np.int8, len(texts))
    for size in (GRAM, CHINESE_GRAM):
        (places,) = np.nonzero(sizes == size)
        if not len(places):
            continue
        hashes, starts = hash_grams([texts[place] for place in places], size)
        short = (hashes >> np.uint64(32)).astype(np.uint32)
        moved = np.empty_like(short)
        for number in range(PERMUTATIONS):
            np.multiply(short, _FACTORS[number], out=moved)
            moved += _OFFSETS[number]
            signed[places, number] = np.minimum.reduceat(moved, starts)
    return signed
