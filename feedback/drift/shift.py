"""Whether a quantity has shifted: the last one or two whole weeks against the four weeks before. Pure.

Whole weeks hold each weekday equally often. Looked at once for each day, since counts of whole days change
at midnight UTC alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

BASE_DAYS = 28
WINDOWS = (7, 14)  # days of the present period
DAYS = BASE_DAYS + max(WINDOWS)
FEWEST_DAYS = 14  # of the base period with anything in them: from these the spread of days is known
FEWEST_BEFORE, FEWEST_NOW = 100, 50
LEAST = 1e-12


@dataclass(frozen=True)
class Day:
    """Of what was measured on one day: how often, its sum and the sum of its squares. Of a share, what hit
    is 1 and all else 0.
    """

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: "Day") -> "Day":
        return Day(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else 0.0

    @property
    def variance(self) -> float:
        return max(0.0, self.squares / self.count - self.mean**2) if self.count else 0.0


@dataclass(frozen=True)
class Quantity:
    """`floor`: the least difference that matters, in points of a share or as a part of a mean."""

    kind: Literal["share", "mean"]
    floor: float


@dataclass(frozen=True)
class Shift:
    """`days`: since how many whole days; `before` and `now` are means of the base period and of these."""

    before: float
    now: float
    days: int
    count: int  # behind `now`
    evidence: float


def hit(count: int, hits: int) -> Day:
    return Day(count, hits, hits)


def is_enough_for_test(days: Sequence[Day]) -> bool:
    """Whether the test can tell anything yet, in the shorter of its periods."""
    return hold_enough(*split(days, min(WINDOWS)))


def hold_enough(before: Sequence[Day], now: Sequence[Day]) -> bool:
    """Whether there are days and values enough on both sides."""
    counts = add(before).count, add(now).count
    return count_filled(before) >= FEWEST_DAYS and counts[0] >= FEWEST_BEFORE and counts[1] >= FEWEST_NOW


def count_filled(days: Sequence[Day]) -> int:
    """The days on which there was anything."""
    return sum(1 for day in days if day.count)


def find_shift(days: Sequence[Day], quantity: Quantity, *, chance: float) -> Shift | None:
    """Of DAYS whole days, the oldest first; `chance` is that of a false alarm at this look."""
    if not is_enough_for_test(days):
        return None
    found = (test_window(days, quantity, window=window, chance=chance / len(WINDOWS)) for window in WINDOWS)
    return max((each for each in found if each), key=lambda each: each.evidence, default=None)


def test_window(days: Sequence[Day], quantity: Quantity, *, window: int, chance: float) -> Shift | None:
    """By the deviance of one mean for both periods against two, over the spread of the base's days.

    A day is a cluster: agents, customers and causes of the day are in its spread, whose ratio to that of
    independent values divides the deviance. The root of it is held to be Student's t.
    """
    before, now = split(days, window)
    if not hold_enough(before, now):
        return None
    base, spread = add(before), find_spread(before)

    def weigh(late: Day) -> float:
        return measure_deviance(base, late, quantity) / spread

    evidence = weigh(add(now))
    if find_chance(evidence, count_filled(before) - 1) > chance:
        return None
    since = max(range(1, window + 1), key=lambda count: weigh(add(now[-count:])))
    late = add(now[-since:])
    if not is_large(base.mean, late.mean, quantity):
        return None
    return Shift(base.mean, late.mean, since, late.count, evidence)


def split(days: Sequence[Day], window: int) -> tuple[Sequence[Day], Sequence[Day]]:
    return days[-BASE_DAYS - window : -window], days[-window:]


def add(days: Sequence[Day]) -> Day:
    return sum(days, Day())


def find_spread(days: Sequence[Day]) -> float:
    """Variance between days over that of independent values: 1 where days are alike, never less."""
    whole, filled = add(days), [day for day in days if day.count]
    if whole.variance <= LEAST:
        return 1.0
    between = sum(day.count * (day.mean - whole.mean) ** 2 for day in filled)
    return max(1.0, between / whole.variance / (len(filled) - 1))


def measure_deviance(before: Day, now: Day, quantity: Quantity) -> float:
    """Twice the logarithm of how much likelier the values are with two means than with one."""
    if not before.count or not now.count:
        return 0.0
    both = before + now
    if quantity.kind == "share":
        found = 2 * (log_chance(before) + log_chance(now) - log_chance(both))
    else:
        within = before.count * before.variance + now.count * now.variance
        found = both.count * math.log(max(both.count * both.variance, LEAST) / max(within, LEAST))
    return max(0.0, found)  # rounding takes equal means below 0


def log_chance(day: Day) -> float:
    """The logarithm of the chance of so many hits, in any one order, at their own share."""
    return sum(part * math.log(part / day.count) for part in (day.total, day.count - day.total) if part > 0)


def find_chance(evidence: float, freedom: int) -> float:
    """The chance that the square of Student's t is as large as this. Wallace's approximation is good to some
    percent of it.
    """
    z = math.sqrt(freedom * math.log1p(evidence / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return math.erfc(z / math.sqrt(2))


def is_large(before: float, now: float, quantity: Quantity) -> bool:
    difference = abs(now - before)
    return difference >= quantity.floor * (before if quantity.kind == "mean" else 1.0) - LEAST
