"""Whether people who label the same items agree: Krippendorff's alpha, its interval, and what costs it most.

Alpha is 1 where all agree, 0 where they agree as chance would have it, and below where they contradict one
another. It grades a guideline and settles no item: where people answer customers it is low even for those
who work well (0.2 to 0.5). Where nothing could differ it is not defined, and None. Pure; numpy alone.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

NOMINAL, ORDINAL, SETS = "nominal", "ordinal", "sets"
FIRM, USABLE, UNCLEAR = "firm", "usable", "unclear"  # unclear: the guideline does not separate these yet
GRADES = ((FIRM, 0.80), (USABLE, 0.667))
LEAST_ITEMS = 30  # below so many items with two labels neither an interval nor a word is given
RESAMPLES = 1_000
TAILS = (0.025, 0.975)
NO_TAG = ""  # the other side of a confusion where one person gave a tag more than another

Floats = NDArray[np.float64]
Label = Hashable


@dataclass(frozen=True)
class Confusion:
    """The two answers that cost most alpha, and how many of all differing pairs of labels are of them."""

    one: Label
    other: Label
    count: int
    differences: int


@dataclass(frozen=True)
class Agreement:
    """`items` and `labels` are those that count: items that two people labelled, and all their labels."""

    alpha: float | None
    low: float | None
    high: float | None
    items: int
    labels: int
    confusion: Confusion | None

    @property
    def grade(self) -> str | None:
        if self.alpha is None or self.items < LEAST_ITEMS:
            return None
        alpha = self.alpha
        return next((grade for grade, limit in GRADES if alpha >= limit), UNCLEAR)


def measure_agreement(
    items: Sequence[Sequence[Label]], distance: str, *, classes: Sequence[Label] = (), seed: int = 0
) -> Agreement:
    """The agreement of the labels of each item. `classes` gives answers their order, which an ordinal
    distance needs; sets are frozensets of tags.
    """
    several = [labels for labels in items if len(labels) > 1]
    named, counts = _count(several, classes)
    alpha_of = _make_alpha(named, counts, distance)
    alpha = float(alpha_of(np.ones((1, len(several))))[0])
    defined = not np.isnan(alpha)
    low, high = _resample(alpha_of, len(several), seed) if defined else (None, None)
    confusion = _find_confusion(several, named, distance, counts) if defined else None
    return Agreement(alpha if defined else None, low, high, len(several), int(counts.sum()), confusion)


def measure_alpha(items: Sequence[Sequence[Label]], distance: str) -> float | None:
    """Alpha alone, of thousands of items in a fraction of the time of its interval and confusion."""
    several = [labels for labels in items if len(labels) > 1]
    alpha = float(_make_alpha(*_count(several), distance)(np.ones((1, len(several))))[0])
    return None if np.isnan(alpha) else alpha


def measure_tags(
    items: Sequence[Sequence[frozenset[str]]], tags: Sequence[str], *, seed: int = 0
) -> Mapping[str, Agreement]:
    """The agreement on each tag alone: given or not."""
    return {
        tag: measure_agreement([[tag in label for label in labels] for labels in items], NOMINAL, seed=seed)
        for tag in tags
    }


def jaccard_distance(one: frozenset[Any], other: frozenset[Any]) -> float:
    return 1 - len(one & other) / len(one | other) if one or other else 0.0


def _count(several: Sequence[Sequence[Label]], classes: Sequence[Label] = ()) -> tuple[list[Label], Floats]:
    """The answers by name, and how often each item has each, (items, K)."""
    named = list(dict.fromkeys([*classes, *(label for labels in several for label in labels)]))
    place = {name: index for index, name in enumerate(named)}
    counts = np.zeros((len(several), len(named)))
    for row, labels in enumerate(several):
        for label in labels:
            counts[row, place[label]] += 1
    return named, counts


def _make_alpha(named: Sequence[Any], counts: Floats, distance: str) -> Callable[[Floats], Floats]:
    if distance == ORDINAL:
        return _make_ordinal(counts)
    return _make_fixed(counts, _space_sets(named) if distance == SETS else 1 - np.eye(len(named)))


def _space_sets(named: Sequence[frozenset[Any]]) -> Floats:
    """`jaccard_distance` between all sets, (K, K): hundreds of different ones are common."""
    tags = sorted(frozenset().union(*named))
    held = np.array([[tag in each for tag in tags] for each in named], dtype=float)
    held = held.reshape(len(named), len(tags))
    shared, sizes = held @ held.T, held.sum(axis=1)
    either = sizes[:, None] + sizes[None, :] - shared
    return np.asarray(np.where(either > 0, 1 - shared / np.maximum(either, 1), 0.0))


def _make_fixed(counts: Floats, space: Floats) -> Callable[[Floats], Floats]:
    """Alpha by the weights of items, (resamples, items), for distances that do not depend on the labels.

    `inside` is what each item adds to the observed disagreement. Equal answers are at distance 0, so the
    diagonal of the coincidences needs no care.
    """
    inside = np.einsum("ic,ck,ik->i", counts, space, counts, optimize=True) / (counts.sum(axis=1) - 1)

    def alpha_of(weights: Floats) -> Floats:
        total = weights @ counts
        return _alpha(total, weights @ inside, np.einsum("rc,rc->r", total @ space, total))

    return alpha_of


def _make_ordinal(counts: Floats) -> Callable[[Floats], Floats]:
    """The same for ranks: the distance of two answers is the square of the labels between them, which is that
    of the difference of their mid-ranks.
    """
    among = (counts[:, :, None] * counts[:, None, :]) / (counts.sum(axis=1) - 1)[:, None, None]
    flat = among.reshape(len(counts), counts.shape[1] ** 2)

    def alpha_of(weights: Floats) -> Floats:
        total = weights @ counts
        ranks = np.cumsum(total, axis=1) - total / 2
        space = (ranks[:, :, None] - ranks[:, None, :]) ** 2
        observed = (weights @ flat).reshape(space.shape) * space
        expected = total[:, :, None] * total[:, None, :] * space
        return _alpha(total, observed.sum(axis=(1, 2)), expected.sum(axis=(1, 2)))

    return alpha_of


def _alpha(total: Floats, observed: Floats, expected: Floats) -> Floats:
    """1 - (n - 1) observed / expected for each resample; NaN where no label differs from another."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(expected > 0, observed / expected, np.nan)
    return np.asarray(1 - (total.sum(axis=1) - 1) * ratio)


def _resample(
    alpha_of: Callable[[Floats], Floats], items: int, seed: int
) -> tuple[float, float] | tuple[None, None]:
    """The 95 % interval over multinomial resamples of items; those in which nothing differs are left out."""
    if items < LEAST_ITEMS:
        return None, None
    rng = np.random.default_rng(seed)
    step = max(1, min(RESAMPLES, 2_000_000 // items))  # 16 MB of weights at once
    drawn: list[Floats] = []
    for start in range(0, RESAMPLES, step):
        size = min(step, RESAMPLES - start)
        draws = rng.integers(items, size=(size, items)) + items * np.arange(size)[:, None]
        weights = np.bincount(draws.ravel(), minlength=size * items).reshape(size, items)
        drawn.append(alpha_of(weights.astype(float)))
    low, high = np.nanquantile(np.concatenate(drawn), TAILS)
    return float(low), float(high)


def _find_confusion(
    items: Sequence[Sequence[Any]], named: Sequence[Any], distance: str, counts: Floats
) -> Confusion | None:
    """The pair of answers, or of tags, that the largest part of the observed disagreement is of."""
    total = counts.sum(axis=0)
    ranks = np.cumsum(total) - total / 2
    place = {name: index for index, name in enumerate(named)}
    cost: defaultdict[tuple[Any, Any], float] = defaultdict(float)
    times: Counter[tuple[Any, Any]] = Counter()
    differences = 0
    for labels in items:
        held = sorted(Counter(labels).items(), key=lambda each: place[each[0]])
        for (one, n), (other, m) in combinations(held, 2):
            apart = float(ranks[place[one]] - ranks[place[other]]) ** 2 if distance == ORDINAL else 1.0
            pairs = _pair_tags(one, other) if distance == SETS else {(one, other): apart}
            differences += n * m
            for pair, share in pairs.items():
                cost[pair] += n * m * share / (len(labels) - 1)
                times[pair] += n * m
    if not cost:
        return None
    found = min(cost, key=lambda pair: (-cost[pair], str(pair)))
    return Confusion(*found, times[found], differences)


def _pair_tags(one: frozenset[str], other: frozenset[str]) -> Mapping[tuple[str, str], float]:
    """Which tags stand against each other in two sets, and the part of the distance that each pair has."""
    left, right = one - other or {NO_TAG}, other - one or {NO_TAG}
    pairs = {(min(pair), max(pair)) for pair in product(left, right)}
    return dict.fromkeys(pairs, jaccard_distance(one, other) / len(pairs))
