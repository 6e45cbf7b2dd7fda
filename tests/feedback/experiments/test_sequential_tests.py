"""The formulas against numbers worked out elsewhere."""

import math
import random
from fractions import Fraction
from itertools import product

import pytest

from feedback.experiments.sequential_tests import (
    ENOUGH,
    GRADES,
    e_better,
    e_harm,
    e_value,
    find_grade,
    picks_until,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),  # textbook example
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (50, 100, 0.4038, 0.5962),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson_interval(successes, n, low, high):
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("successes", "n"), [(215, 391), (60, 100), (19, 26)])
def test_wilson_leaves_half_where_the_plan_says_it_does(successes, n):
    # 391 picks at 55 %, 100 at 60 %, 26 at about 70 %.
    assert wilson_interval(successes, n)[0] > 0.5


def exact_e(k, n, a=10):
    """2^n B(a+k, a+n-k) / B(a, a) in whole numbers."""

    def beta(x, y):
        return Fraction(math.factorial(x - 1) * math.factorial(y - 1), math.factorial(x + y - 1))

    return float(2**n * beta(a + k, a + n - k) / beta(a, a))


@pytest.mark.parametrize(("k", "n"), [(0, 0), (1, 1), (5, 10), (60, 100), (10, 40), (430, 800)])
def test_the_e_value_is_the_beta_binomial_one(k, n):
    assert e_value(k, n) == pytest.approx(exact_e(k, n), rel=1e-9)
    assert e_value(k, n) == pytest.approx(e_value(n - k, n), rel=1e-9)


def test_evidence_has_a_side():
    assert e_better(90, 100) == e_harm(10, 100) == e_value(90, 100) > ENOUGH
    assert e_better(10, 100) == e_harm(90, 100) == 0.0
    assert e_better(5, 10) == e_harm(5, 10) == 0.0
    assert math.isfinite(e_better(100_000, 100_000))


@pytest.mark.parametrize("n", range(1, 13))
def test_at_one_half_the_e_value_is_worth_one_on_average(n):
    mean = sum(math.comb(n, k) / 2**n * e_value(k, n) for k in range(n + 1))
    assert mean == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("share", [0.5, 0.45, 0.3, 0.05])
@pytest.mark.parametrize("n", range(1, 13))
def test_evidence_for_better_is_worth_at_most_one_where_nothing_is_better(n, share):
    chances = [math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]
    assert sum(chance * e_better(k, n) for k, chance in enumerate(chances)) <= 1
    assert sum(chance * e_harm(n - k, n) for k, chance in enumerate(chances)) <= 1


def fair(past):
    return 0.5


def tired(past):
    """An agent who never prefers tuned twice in a row as gladly: at most one half, and bound to the past."""
    return 0.2 if past and past[-1] else 0.5


@pytest.mark.parametrize("chance_of_win", [fair, tired])
@pytest.mark.parametrize("wanted", [1.05, 1.2, 1.5])
def test_no_rule_of_stopping_makes_more_than_one_of_it(chance_of_win, wanted):
    """All 4,096 histories of 12 picks; the rule stops at the first look that has the evidence wanted."""
    mean = mean_two_sided = 0.0
    for history in product((0, 1), repeat=12):
        chance = math.prod(
            p if won else 1 - p for n, won in enumerate(history) for p in [chance_of_win(history[:n])]
        )
        looks = [(sum(history[:n]), n) for n in range(1, 13)]
        stop = next((look for look in looks if e_better(*look) >= wanted), looks[-1])
        mean += chance * e_better(*stop)
        mean_two_sided += chance * e_value(*stop)
    assert 0 < mean <= 1
    if chance_of_win is fair:
        assert mean_two_sided == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("n", [1, 2, 11, 12, 60])
def test_more_picks_won_are_never_less_evidence_for_better(n):
    evidence = [e_better(k, n) for k in range(n + 1)]
    assert evidence == sorted(evidence) and evidence[-1] > 0


@pytest.mark.parametrize(
    ("k", "n", "needed"),
    [
        (0, 0, None),  # nothing is known
        (50, 100, None),  # one half for ever
        (90, 100, 0),
        (10, 100, 0),
        (60, 100, 130),  # at 138 of 230 the whole numbers give 20.07, at 135 of 225 18.3
        (40, 100, 130),
        (9, 10, 10),  # 18 of 20: 20.6
    ],
)
def test_picks_until_the_evidence_suffices(k, n, needed):
    assert picks_until(k, n) == needed


@pytest.mark.parametrize(("k", "n"), [(3, 5), (6, 11), (52, 100), (300, 560), (7, 20)])
def test_picks_until_is_the_first_number_that_suffices(k, n):
    by_trial = next(m for m in range(10_000) if e_value(k / n * (n + m), n + m) >= ENOUGH)
    assert picks_until(k, n) == by_trial > 0
    assert picks_until(k, n, most=by_trial - 1) is None


def first_stop(share, seed, looks=3000):
    coin, k = random.Random(seed), 0
    for n in range(1, looks + 1):
        k += coin.random() < share
        if e_value(k, n) >= ENOUGH:
            return n
    return looks


def test_medians_of_the_stop_are_those_of_the_plan():
    # 174 picks at 60 %, 53 at 70 %: simulated for the plan with the same formula.
    for share, expected in ((0.6, 174), (0.7, 53)):
        stops = sorted(first_stop(share, seed) for seed in range(201))
        assert stops[100] == pytest.approx(expected, rel=0.25)


def test_looking_after_every_pick_seldom_errs():
    wrong = sum(first_stop(0.5, seed, looks=600) < 600 for seed in range(200))
    assert wrong <= 14  # 5 % of 200, and room for chance


@pytest.mark.parametrize(
    ("won", "n", "grade"),
    [
        (0, 0, None),
        (2.5, 6, "not_known"),  # 2 won, 3 lost, a tie
        (0, 4, "not_known"),  # Wilson's interval ends at 49 %, as it does once in eight by chance
        (9, 9, "not_known"),
        (9, 10, "marked_success"),  # 59.6 to 98.2 %
        (8, 10, "not_known"),  # 49.0 to 94.3 %
        (1, 10, "harmed"),
        (2, 10, "not_known"),
        (37, 100, "harmed"),  # 28.2 to 46.8 %
        (40, 100, "harmed"),  # 30.9 to 49.8 %
        (41, 100, "not_known"),  # to 50.8 %
        (60, 100, "not_good_enough"),  # from 50.2 %
        (59, 100, "not_known"),
        (70, 100, "success"),
        (80, 100, "success"),
        (81, 100, "marked_success"),
        (207, 412, "not_known"),  # 45.4 to 55.1 %: wider than two percent
        (5000, 10_000, "no_progress"),  # 49.0 to 51.0 %
        (4_900, 10_000, "harmed"),  # 48.0 to 50.0 %, less than one half
    ],
)
def test_better_and_worse_only_where_the_interval_excludes_one_half(won, n, grade):
    assert find_grade(won, n) == grade
    assert grade is None or grade in GRADES
