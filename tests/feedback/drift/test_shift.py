"""The test for a shift, with numbers worked out by hand, and what raises none."""

import math
import random

import pytest

from feedback.drift.shift import (
    BASE_DAYS,
    DAYS,
    Day,
    Quantity,
    add,
    find_chance,
    find_shift,
    find_spread,
    hit,
    is_enough_for_test,
    measure_deviance,
)

SHARE, MEAN = Quantity("share", 0.05), Quantity("mean", 0.2)
CHANCE = 1 / 365 / 6


def lengths(*values):
    return Day(len(values), sum(values), sum(value**2 for value in values))


def test_the_deviance_of_two_shares():
    # 140 of 280 and 56 of 70; together 196 of 350. Logarithms of the chances: -194.08, -35.03 and -240.07.
    assert measure_deviance(hit(280, 140), hit(70, 56), SHARE) == pytest.approx(21.93, abs=0.01)
    assert measure_deviance(hit(280, 0), hit(70, 0), SHARE) == 0.0
    # None of 280, 7 of 70, so 7 of 350: 2 (7 ln 0.1 + 63 ln 0.9 - 7 ln 0.02 - 343 ln 0.98)
    assert measure_deviance(hit(280, 0), hit(70, 7), SHARE) == pytest.approx(23.116, abs=0.01)


def test_the_deviance_of_two_means():
    # Means 150 and 210, variances 2500; together mean 162 and variance 3076: 350 ln (3076 / 2500).
    before, now = lengths(*[100, 200] * 140), lengths(*[160, 260] * 35)
    assert measure_deviance(before, now, MEAN) == pytest.approx(350 * math.log(3076 / 2500))


def test_days_that_differ_count_as_fewer_values():
    # About a half, each day's 10 values deviate by 3 of 10: 28 * 10 * 0.09 / 0.25 / 27.
    assert find_spread([hit(10, 2), hit(10, 8)] * 14) == pytest.approx(3.733, abs=0.001)
    assert find_spread([hit(10, 4), hit(10, 6)] * 14) == 1.0  # less than chance itself does
    assert find_spread([hit(10, 0)] * 28) == 1.0


def test_the_chance_is_that_of_students_t():
    """Two-sided, of 13 and 27 degrees of freedom, by `2 * scipy.stats.t.sf(t, freedom)`."""
    for t, few, many in ((2.0, 0.06684, 0.05565), (3.98, 1.57e-3, 4.666e-4), (6.0, 4.446e-5, 2.116e-6)):
        assert find_chance(t**2, 13) == pytest.approx(few, rel=0.04)
        assert find_chance(t**2, 27) == pytest.approx(many, rel=0.04)


def test_a_shift_is_found_with_the_day_that_it_began():
    for begun in (2, 3, 6, 13):
        days = [hit(40, 2)] * (DAYS - begun) + [hit(40, 20)] * begun
        shift = find_shift(days, SHARE, chance=CHANCE)
        assert (shift.before, shift.now, shift.days, shift.count) == (0.05, 0.5, begun, 40 * begun)


def test_of_two_periods_the_one_with_the_clearer_shift_tells_when_it_began():
    """Eight days ago: one of them lies before the last week, and the days before it differ more."""
    for hits, begun, before in ((10, 7, (27 * 4 + 10) / 28 / 40), (17, 8, 0.1)):
        shift = find_shift([hit(40, 4)] * (DAYS - 8) + [hit(40, hits)] * 8, SHARE, chance=CHANCE)
        assert (shift.days, shift.before) == (begun, before)


def test_each_of_the_two_periods_has_half_of_the_chance():
    """From 9 to 14 of 40 in the last week: p is 0.000258 with 27 degrees of freedom, 0.000243 with 28."""
    days = [hit(40, 9)] * (DAYS - 7) + [hit(40, 14)] * 7
    assert find_shift(days, SHARE, chance=2 * 0.000255) is None
    assert find_shift(days, SHARE, chance=2 * 0.000261) is not None


def test_what_is_as_before_is_no_shift():
    """Periods alike, whatever each day of the week is like and whichever day is looked at."""
    rng = random.Random(1)
    for _ in range(50):
        week = [hit(count, rng.randint(0, count)) for count in rng.choices(range(1, 400), k=7)]
        long = [lengths(*rng.choices(range(1, 900), k=rng.randint(1, 40))) for _ in range(7)]
        for start in range(7):
            for days, quantity in ((week, SHARE), (long, MEAN)):
                weeks = (days[start:] + days[:start]) * (DAYS // 7)
                assert find_shift(weeks, quantity, chance=CHANCE) is None


def test_a_shift_that_is_small_is_none_however_sure():
    def look(share):
        many = 100_000
        days = [hit(many, many // 2)] * (DAYS - 7) + [hit(many, round(share * many))] * 7
        return find_shift(days, SHARE, chance=CHANCE)

    assert look(0.54) is None and look(0.46) is None
    assert look(0.56).now == 0.56 and look(0.44).now == 0.44

    def grow(factor):
        days = [lengths(*[80, 120] * 500)] * (DAYS - 7) + [lengths(*[80 * factor, 120 * factor] * 500)] * 7
        return find_shift(days, MEAN, chance=CHANCE)

    assert grow(1.1) is None and grow(0.9) is None
    assert grow(1.4).now == pytest.approx(140)


def test_with_little_to_go_by_nothing_is_told():
    full = [hit(8, 2)] * DAYS  # 56 in a week
    assert is_enough_for_test(full)
    assert not is_enough_for_test([hit(7, 2)] * DAYS)  # 49 in a week
    busy = [hit(9, 2)] * 7
    assert not is_enough_for_test([hit(3, 1)] * (DAYS - 7) + busy)  # 84 in the four weeks before
    assert is_enough_for_test([hit(4, 1)] * (DAYS - 7) + busy)
    assert not is_enough_for_test([Day()] * (DAYS - 20) + [hit(8, 2)] * 20)  # 13 days before the last week
    assert is_enough_for_test([Day()] * (DAYS - 21) + [hit(8, 2)] * 21)
    assert (
        find_shift([Day()] * BASE_DAYS + [hit(99, 2)] * 7 + [hit(99, 90)] * 7, SHARE, chance=CHANCE) is None
    )


def test_a_shift_that_lasts_becomes_what_is_usual():
    # Five weeks ago it began: it fills the four weeks before the last one.
    days = [hit(40, 2)] * (DAYS - 35) + [hit(40, 20)] * 35
    assert find_shift(days, SHARE, chance=CHANCE) is None


def test_days_add_up():
    whole = add([hit(3, 1), Day(), lengths(1, 0)])
    assert whole == Day(5, 2, 2) and whole.mean == 0.4
    assert whole.variance == pytest.approx(0.24)
    assert Day().mean == Day().variance == 0.0
