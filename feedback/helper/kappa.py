"""Whether the helper says what people say: Cohen's kappa with its interval, and when that is trust. Pure.

Kappa is 1 where both always say the same, 0 where they do as often as by chance. Its standard error is that
of Fleiss, Cohen and Everitt (1969). Sets of tags are the same or not.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

Z = 1.959964  # of a 95 % interval
LEAST_ITEMS = 100
LAST_ITEMS = 200  # by which trust is taken away
LEAST_KAPPA = 0.60
BELOW_PEOPLE = 0.10  # how far below people's own alpha it may lie
SLACK = 0.05  # below the bar, before trust that was given is taken away

Pair = tuple[Hashable, Hashable]  # what the helper said, and what people did


@dataclass(frozen=True)
class Kappa:
    """`kappa` and `low` are None where nothing could differ: both gave one answer all the time."""

    kappa: float | None
    low: float | None
    agreed: float
    items: int


def measure_kappa(pairs: Sequence[Pair]) -> Kappa:
    n = len(pairs)
    if n == 0:
        return Kappa(None, None, 0.0, 0)
    cells = {pair: count / n for pair, count in Counter(pairs).items()}
    helper, people = Counter[Hashable](), Counter[Hashable]()
    for (one, other), share in cells.items():
        helper[one] += share  # type: ignore[assignment]
        people[other] += share  # type: ignore[assignment]
    agreed = sum(share for (one, other), share in cells.items() if one == other)
    chance = sum(helper[answer] * people[answer] for answer in helper)
    if chance >= 1:
        return Kappa(None, None, agreed, n)
    kappa = (agreed - chance) / (1 - chance)
    same = sum(
        share * (1 - (helper[one] + people[one]) * (1 - kappa)) ** 2
        for (one, other), share in cells.items()
        if one == other
    )
    apart = sum(
        share * (people[one] + helper[other]) ** 2 for (one, other), share in cells.items() if one != other
    )
    spread = same + (1 - kappa) ** 2 * apart - (kappa - chance * (1 - kappa)) ** 2
    error = math.sqrt(max(0.0, spread) / n) / (1 - chance)
    return Kappa(kappa, kappa - Z * error, agreed, n)


def set_bar(alpha: float | None) -> float:
    """The kappa that a helper needs where people agree among themselves this well."""
    return LEAST_KAPPA if alpha is None else max(LEAST_KAPPA, alpha - BELOW_PEOPLE)


def deserves_trust(since: Kappa, last: Kappa, bar: float) -> bool:
    """`since`: by all items since trust was taken away last; `last`: by the last ones."""
    return (
        since.items >= LEAST_ITEMS
        and since.low is not None
        and since.low >= bar
        and not loses_trust(last, bar)
    )


def loses_trust(last: Kappa, bar: float) -> bool:
    return last.kappa is not None and last.kappa < bar - SLACK
