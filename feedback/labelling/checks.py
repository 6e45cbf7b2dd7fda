"""Checks of what a task has settled: which items are looked at again, and what they say of all items.

30 % of a check is drawn at random, 70 % by risk, which is one less the item's confidence. Each item is drawn
by a hash and its own chance, so neither order nor what else there is decides, and the error rate weighs each
found error by how unlikely it was to be looked at (Hajek). Pure.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from feedback.canonical import draw_share
from feedback.experiments.sequential_tests import wilson_interval

AT_RANDOM = 0.3
MOST_GAIN = 2


@dataclass(frozen=True)
class Checked:
    """An item that was looked at again: how likely it was to be, and whether its answer was wrong."""

    inclusion: float
    is_wrong: bool


@dataclass(frozen=True)
class ErrorRate:
    """The share of wrong answers among all settled items, with its 95 % interval; None before any check."""

    rate: float | None
    low: float
    high: float
    checked: int
    wrong: int

    def is_within(self, limit: float) -> bool:
        return self.high <= limit


def weigh_chances(confidences: Mapping[str, float], count: int) -> dict[str, float]:
    """The chance of each item to be among about `count` checked ones. What chances beyond certainty leave
    over goes to nobody: the count is at most what was asked.
    """
    risks = {item: 1 - confidence for item, confidence in confidences.items()}
    total, share = math.fsum(risks.values()), 1 / max(1, len(risks))
    return {
        item: min(1.0, count * (AT_RANDOM * share + (1 - AT_RANDOM) * (risk / total if total > 0 else share)))
        for item, risk in risks.items()
    }


def draw_checks(confidences: Mapping[str, float], count: int, *, seed: str) -> dict[str, float]:
    """The items that are drawn, with their chances."""
    return {
        item: chance
        for item, chance in weigh_chances(confidences, count).items()
        if draw_share(f"{seed}:{item}") < chance
    }


def estimate_errors(checked: Sequence[Checked]) -> ErrorRate:
    """Hajek's estimate, with Wilson's interval on as many random checks as say as much.

    Their number is that of the estimated variance, not fewer than the weights alone leave (Kish), and not
    more than twice those that were made: a few errors among the likely ones alone prove no precision.
    """
    if not checked:
        return ErrorRate(None, 0.0, 1.0, 0, 0)
    weights = [1 / each.inclusion for each in checked]
    total = math.fsum(weights)
    rate = math.fsum(each.is_wrong / each.inclusion for each in checked) / total
    size = total**2 / math.fsum(weight**2 for weight in weights)
    off = [(each.is_wrong - rate) ** 2 * (1 - each.inclusion) / each.inclusion**2 for each in checked]
    variance = math.fsum(off) / total**2
    if 0 < rate < 1 and variance > 0:
        size = min(max(size, rate * (1 - rate) / variance), MOST_GAIN * len(checked))
    wrong = sum(each.is_wrong for each in checked)
    return ErrorRate(rate, *wilson_interval(rate * size, size), len(checked), wrong)


def is_unsure(confidence: float, asked: float) -> bool:
    """Whether a settled item goes to the experts where a check finds too many errors: those in the lower half
    between the confidence that their task asks for and certainty.
    """
    return confidence < (1 + asked) / 2
