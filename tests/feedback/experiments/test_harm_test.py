"""The harm test against chances worked out by hand, and what it promises about adapters that are no worse."""

import math
import random
from fractions import Fraction
from functools import cache
from itertools import product

import pytest
from scipy import stats

from feedback.experiments.harm_test import (
    HARMFUL,
    SPREADS,
    TASTE,
    find_peak,
    find_weight,
    log_chance_of_picks,
    weigh_harm,
)
from feedback.experiments.sequential_tests import ENOUGH, e_harm


def test_first_picks_by_hand():
    # One pick of base: its chance is one less the mean share, whatever the spread.
    assert weigh_harm([(0, 1)]) == pytest.approx((0.7 + 0.62 + 0.58) / 3 / 0.5)
    # One of each of two agents.
    assert weigh_harm([(0, 1), (0, 1)]) == pytest.approx((0.7**2 + 0.62**2 + 0.58**2) / 3 / 0.25)
    # The second of the same agent: (b + 1) / (a + b + 1). Beta(12, 12) suits two alike best: 1/2 * 13/25.
    much = Fraction(7, 10) * Fraction(14 + 1, 20 + 1)  # Beta(6, 14): mean 0.3, variance 0.21 / 21 = 0.01
    weight = Fraction(62 * 38, 100) - 1  # 0.62 * 0.38 / 0.01 - 1
    worse = Fraction(62, 100) * (Fraction(62, 100) * weight + 1) / (weight + 1)
    alike = Fraction(58, 100) ** 2
    by_hand = (much + worse + alike) / 3 / (Fraction(1, 2) * Fraction(13, 25))
    assert weigh_harm([(0, 2)]) == pytest.approx(float(by_hand)) and float(by_hand) < 1.6144


@pytest.mark.parametrize(
    "picks",
    [
        [],
        [(0, 0), (0, 0)],
        [(3, 6)],
        [(4, 6), (5, 9)],
        [(100, 500), *[(12, 16)] * 8],  # one of nine prefers base: more picks than all others, no more agents
    ],
)
def test_where_agents_do_not_prefer_base_there_is_no_evidence(picks):
    assert weigh_harm(picks) == 0.0


@pytest.mark.parametrize("seed", range(6))
def test_the_chances_are_those_of_a_beta_binomial(seed):
    draw = random.Random(seed)
    made = [draw.randint(0, 200) for _ in range(8)]
    picks = [(sum(draw.random() < 0.4 for _ in range(n)), n) for n in made]

    def chance(share, spread):
        if spread == 0:
            return sum(stats.binom.logpmf(k, n, share) for k, n in picks)
        v = share * (1 - share) / spread**2 - 1
        return sum(stats.betabinom.logpmf(k, n, share * v, (1 - share) * v) for k, n in picks)

    worse = [chance(*harmful) for harmful in HARMFUL]
    no_worse = max(chance(0.5, step / 2000) for step in range(201))
    expected = sum(math.exp(log - no_worse) for log in worse) / 3
    assert weigh_harm(picks) == pytest.approx(expected, rel=1e-3)
    assert weigh_harm(reversed(picks)) == pytest.approx(expected, rel=1e-3)


def test_the_spread_that_suits_best_is_found_between_those_tried():
    picks = [(4850, 10_000), (5150, 10_000)] * 10

    def height(spread):
        return log_chance_of_picks(picks, 0.5, find_weight(0.5, spread))

    tried = [height(spread) for spread in SPREADS]
    finest = max(height(step / 20_000) for step in range(2001))
    assert finest > max(tried) + 0.1
    assert find_peak(height, SPREADS, tried) == pytest.approx(finest, abs=1e-3)


def chance_of(history, share, spread):
    """Of picks as (agent, whether tuned), one after the other."""
    won, made, chance = [0, 0], [0, 0], 1.0
    for agent, is_tuned in history:
        tuned = share
        if spread:
            v = 0.25 / spread**2 - 1
            tuned = (share * v + won[agent]) / (v + made[agent])
        chance *= tuned if is_tuned else 1 - tuned
        won[agent] += is_tuned
        made[agent] += 1
    return chance


@cache
def weigh(won, made):
    return weigh_harm(zip(won, made, strict=True))


def weigh_at_each(history):
    won, made = [0, 0], [0, 0]
    for agent, is_tuned in history:
        won[agent] += is_tuned
        made[agent] += 1
        yield weigh(tuple(won), tuple(made))


@pytest.mark.parametrize(("share", "spread"), [(0.5, 0.0), (0.5, 0.037), (0.5, TASTE), (0.54, TASTE)])
@pytest.mark.parametrize("wanted", [1.1, 1.5, 3.0])
def test_no_rule_of_stopping_makes_more_than_one_of_it(share, spread, wanted):
    """All 1,024 histories of ten picks; whoever picked base goes on, so who picks hangs on what happened."""
    mean = 0.0
    for outcomes in product((True, False), repeat=10):
        history, agent = [], 0
        for is_tuned in outcomes:
            history.append((agent, is_tuned))
            agent = 1 - agent if is_tuned else agent
        values = list(weigh_at_each(history))
        stopped = next((value for value in values if value >= wanted), values[-1])
        mean += chance_of(history, share, spread) * stopped
    assert 0 < mean <= 1


@pytest.mark.parametrize(
    ("tuned", "decided", "is_enough"),
    [
        (2, 20, False),
        (3, 30, True),  # one in ten
        (24, 120, False),
        (30, 150, True),  # one in five, where it takes five times as many
        (240_000, 1_000_000, False),  # a quarter may be his taste, for however long
    ],
)
def test_one_agent_alone_proves_harm_only_further_off_than_tastes_go(tuned, decided, is_enough):
    assert (weigh_harm([(tuned, decided)]) >= ENOUGH) is is_enough


def test_the_same_picks_prove_more_by_more_agents():
    assert e_harm(40, 120) > ENOUGH
    evidence = [weigh_harm([(40 // agents, 120 // agents)] * agents) for agents in (1, 2, 4, 8, 20)]
    assert evidence == sorted(evidence) and evidence[2] < ENOUGH < evidence[3]
