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
    """Number, sum and sum of squares of a day's values. In a share, a hit is 1 and a miss 0."""

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
    """A watched quantity. `floor` is the least difference that matters: in points, or relative to a mean."""

    kind: Literal["share", "mean"]
    floor: float


@dataclass(frozen=True)
class Shift:
    """A shift that was found: the means of the base period and of the last `days` whole days."""

    before: float
    now: float
    days: int
    count: int  # number of values behind the mean `now`
    evidence: float


def hit(count: int, hits: int) -> Day:
    return Day(count, hits, hits)


def is_enough_for_test(days: Sequence[Day]) -> bool:
    """Whether there are enough values for the test, in the shorter of its periods."""
    return hold_enough(*split(days, min(WINDOWS)))


def hold_enough(before: Sequence[Day], now: Sequence[Day]) -> bool:
    """Whether both periods have enough days and values."""
    counts = add(before).count, add(now).count
    return count_filled(before) >= FEWEST_DAYS and counts[0] >= FEWEST_BEFORE and counts[1] >= FEWEST_NOW


def count_filled(days: Sequence[Day]) -> int:
    """The number of days with at least one value."""
    return sum(1 for day in days if day.count)


def find_shift(days: Sequence[Day], quantity: Quantity, *, chance: float) -> Shift | None:
    """Looks for a shift in DAYS whole days, oldest first, with this chance of a false alarm."""
    if not is_enough_for_test(days):
        return None
    found = (test_window(days, quantity, window=window, chance=chance / len(WINDOWS)) for window in WINDOWS)
    return max((each for each in found if each), key=lambda each: each.evidence, default=None)


def test_window(days: Sequence[Day], quantity: Quantity, *, window: int, chance: float) -> Shift | None:
    """Tests the last `window` days with a likelihood ratio: the deviance of one common mean against two
    means, divided by the dispersion between days of the base period.

    A day is a cluster: effects of agents, customers and events of the day are in its variance. The ratio of
    this variance to that of independent values (the dispersion) divides the deviance. Its root is taken as
    Student's t.
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
    """The dispersion, at least 1: the variance between days over that of independent values."""
    whole, filled = add(days), [day for day in days if day.count]
    if whole.variance <= LEAST:
        return 1.0
    between = sum(day.count * (day.mean - whole.mean) ** 2 for day in filled)
    return max(1.0, between / whole.variance / (len(filled) - 1))


def measure_deviance(before: Day, now: Day, quantity: Quantity) -> float:
    """The deviance: twice the log of the ratio between the likelihoods with two means and with one."""
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
    """The log-likelihood of the day's hits, in one given order, at the day's own share."""
    return sum(part * math.log(part / day.count) for part in (day.total, day.count - day.total) if part > 0)


def find_chance(evidence: float, freedom: int) -> float:
    """The chance that the square of Student's t is as large; Wallace's formula, to a few percent."""
    z = math.sqrt(freedom * math.log1p(evidence / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return math.erfc(z / math.sqrt(2))


def is_large(before: float, now: float, quantity: Quantity) -> bool:
    difference = abs(now - before)
    return difference >= quantity.floor * (before if quantity.kind == "mean" else 1.0) - LEAST
