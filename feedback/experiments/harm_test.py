"""Tests whether agents prefer base. The test may be repeated at any time (anytime-valid) and allows for
agents who differ in taste. Pure.

The question is about agents as such, of whom a few happen to judge here: one who picks tuned in 40 % of all
cases for good says little about the next one. Decides nothing: the limit is the policy's.
"""

import math
from collections.abc import Callable, Iterable, Sequence

from feedback.experiments.sequential_tests import log_beta

TASTE = 0.1  # standard deviation of agents' shares up to which they merely differ in taste
SPREADS = tuple(TASTE * step / 10 for step in range(11))
# What harm looks like, as a mean share and a spread: much worse, worse, a little worse to agents of one mind.
# Any choice is valid; this one takes few picks at 40 % (`python -m bench.gate`).
HARMFUL = ((0.3, 0.1), (0.38, 0.1), (0.42, 0.0))
BELOW = 0.49


def weigh_harm(picks: Iterable[tuple[int, int]]) -> float:
    """Evidence that the mean share of tuned over agents lies below one half: (tuned, decided) of each agent.

    The chance of the picks where tuned is worse (the mean over HARMFUL) over their chance where it is not,
    with the spread of tastes that suits them best. An agent's share is drawn once, on its own, from
    Beta(m v, (1 - m) v), where v = m (1 - m) / s^2 - 1 for a spread of s; k picks of n then have the chance
    B(m v + k, (1 - m) v + n - k) / B(m v, (1 - m) v).

    Proof that it reaches 20 for at most one of 20 adapters that are no worse. Let the truth be a mean of
    m >= 1/2 and a v that some spread up to TASTE has at one half; who picks next may depend on all that
    happened. Each chance of HARMFUL over the true chance of the same history is a martingale of mean 1 (what
    decides who picks is in both), and so is their mean; by Ville's inequality it ever reaches 20 with a
    chance of at most 1/20. This evidence is never higher, as it divides by the largest chance under "no
    worse" ("universal inference": Wasserman, Ramdas and Balakrishnan, PNAS 117, 2020, section 8). Over m that
    one is at 1/2: the logarithm of the chance is a sum of log(m v + i) and log((1 - m) v + j), so concave in
    m, and where it is higher at BELOW than at 1/2 it falls from there on. Where it is not, the evidence is 0.
    Over s it is looked for: SPREADS, then between the neighbours of the best.
    """
    counts = [(won, made) for won, made in picks if made]

    def no_worse(spread: float, share: float = 0.5) -> float:
        return log_chance_of_picks(counts, share, find_weight(0.5, spread))

    chances = [no_worse(spread) for spread in SPREADS]
    if any(no_worse(spread, BELOW) <= chance for spread, chance in zip(SPREADS, chances, strict=True)):
        return 0.0
    worse = [log_chance_of_picks(counts, share, find_weight(share, spread)) for share, spread in HARMFUL]
    top = max(worse)
    mean = top + math.log(sum(math.exp(log - top) for log in worse) / len(worse))
    return math.exp(min(mean - find_peak(no_worse, SPREADS, chances), 700.0))


def find_weight(share: float, spread: float) -> float:
    """The a + b of the Beta distribution with this mean and standard deviation; infinite at 0."""
    return share * (1 - share) / spread**2 - 1 if spread else math.inf


def log_chance_of_picks(counts: Iterable[tuple[int, int]], share: float, weight: float) -> float:
    """The log-likelihood of all agents' picks, in one given order."""
    if math.isinf(weight):
        return sum(won * math.log(share) + (made - won) * math.log(1 - share) for won, made in counts)
    a, b = share * weight, (1 - share) * weight
    whole = log_beta(a, b)
    return sum(log_beta(a + won, b + made - won) - whole for won, made in counts)


def find_peak(height: Callable[[float], float], grid: Sequence[float], heights: Sequence[float]) -> float:
    """The maximum of `height`, found by ternary search around the best point of the grid."""
    best = max(range(len(grid)), key=heights.__getitem__)
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    top = heights[best]
    for _ in range(16):
        third = (high - low) / 3
        left, right = height(low + third), height(high - third)
        top = max(top, left, right)
        low, high = (low + third, high) if left < right else (low, high - third)
    return top
