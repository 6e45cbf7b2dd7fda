"""Finds the pairs of near-duplicates among many texts without comparing all with all.

Texts whose signatures agree in six numbers of one of 21 bands are candidates (99.8 % of those that share 80 %
of their grams). Each is compared with up to 20 neighbours of its bucket by signature, and what looks alike by
its grams, exactly: no pair is wrong. Pairs, not groups: what is like a neighbour of a neighbour is no
near-duplicate.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from feedback.duplicates.grams import Hashes, compare_grams, mix_bits
from feedback.duplicates.signatures import Signatures, TextFile

NEAR = 0.80  # the share of grams that near-duplicates have in common
LOOKS_NEAR = 0.70  # of signatures, which are estimates
BANDS, ROWS = 21, 6
NEIGHBOURS = 20
COMPARED_AT_ONCE = 8_192

Numbers = NDArray[np.int64]
IsWanted = Callable[[Numbers, Numbers], NDArray[np.bool_]]


class NearPairs(NamedTuple):
    """Pairs of texts, the smaller number left, in order. `is_bounded`: some bucket was larger than what is
    compared of it, so that another search without the texts found may find more.
    """

    left: Numbers
    right: Numbers
    similarity: NDArray[np.float64]
    is_bounded: bool


def find_near_pairs(
    texts: TextFile,
    *,
    among: Numbers | None = None,
    is_wanted: IsWanted | None = None,
    least: float = NEAR,
) -> NearPairs:
    """The near-duplicates among finished texts, or among those of them with the numbers `among`. `is_wanted`
    picks out of arrays of left and right numbers the pairs to be compared. Where `least` is less than NEAR,
    pairs are missed: of those that share 55 % of their grams a little more than half.
    """
    signatures = texts.map_signatures()
    among = np.arange(len(texts)) if among is None else among
    keys = texts.read_keys()[among]
    looks_near = [np.empty(0, np.int64)]
    is_bounded = False
    for band in range(BANDS):
        columns = slice(band * ROWS, (band + 1) * ROWS)
        left, right, is_cut = pair_neighbours(signatures[among, columns], keys)
        left, right = among[left], among[right]
        is_bounded = is_bounded or is_cut
        if is_wanted is not None:
            wanted = is_wanted(left, right)
            left, right = left[wanted], right[wanted]
        near = estimate_pairs(signatures, left, right) >= least - (NEAR - LOOKS_NEAR)
        looks_near.append(np.minimum(left, right)[near] * len(texts) + np.maximum(left, right)[near])
    coded = np.unique(np.concatenate(looks_near))
    left, right = coded // max(1, len(texts)), coded % max(1, len(texts))
    similarity = compare_pairs(texts, left, right)
    near = similarity >= least
    return NearPairs(left[near], right[near], similarity[near], is_bounded)


def pair_neighbours(rows: Signatures, keys: Hashes) -> tuple[Numbers, Numbers, bool]:
    """Pairs of texts in one bucket of a band, and whether a bucket was too large for all of its pairs.

    A bucket is in the order of a hash of its texts, another one in each band, so that the same texts give
    the same pairs however they are numbered.
    """
    buckets = hash_rows(rows)
    places = keys ^ buckets
    mix_bits(places)
    buckets >>= np.uint64(24)
    places = (buckets << np.uint64(24)) | (places >> np.uint64(40))
    order = np.argsort(places, kind="stable")
    buckets = buckets[order]
    lefts, rights = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for step in range(1, NEIGHBOURS + 2):
        (same,) = np.nonzero(buckets[:-step] == buckets[step:])
        if not len(same):
            return np.concatenate(lefts), np.concatenate(rights), False
        if step <= NEIGHBOURS:
            lefts.append(order[same])
            rights.append(order[same + step])
    return np.concatenate(lefts), np.concatenate(rights), True


def hash_rows(rows: Signatures) -> Hashes:
    """One number for the part of each signature that a band has."""
    buckets = np.zeros(len(rows), np.uint64)
    for row in range(rows.shape[1]):
        buckets = (buckets + rows[:, row]) * np.uint64(0x9E3779B97F4A7C15)
        mix_bits(buckets)
    return buckets


def estimate_pairs(signatures: Signatures, left: Numbers, right: Numbers) -> NDArray[np.float64]:
    """The share of numbers in which the signatures of each pair agree."""
    estimates = np.empty(len(left))
    for start in range(0, len(left), COMPARED_AT_ONCE):
        part = slice(start, start + COMPARED_AT_ONCE)
        estimates[part] = (signatures[left[part]] == signatures[right[part]]).mean(axis=1)
    return estimates


def compare_pairs(texts: TextFile, left: Numbers, right: Numbers) -> NDArray[np.float64]:
    """The exact similarity of each pair."""
    similarity = np.empty(len(left))
    last, grams = -1, np.empty(0, np.uint64)
    for place, (one, other) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        if one != last:
            last, grams = one, texts.read_grams_of(one)
        similarity[place] = compare_grams(grams, texts.read_grams_of(other))
    return similarity
