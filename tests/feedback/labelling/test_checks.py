"""Checks by risk: what they draw, and that the error rate they tell is right."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.labelling.checks import Checked, draw_checks, estimate_errors, is_unsure, weigh_chances

confidences_of_items = st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=20)


def test_chances_are_three_tenths_random_and_seven_by_risk():
    # Two of four: 2 * (0.3 / 4 + 0.7 * r / 0.4).
    found = weigh_chances({"a": 0.9, "b": 0.9, "c": 0.8, "d": 1.0}, 2)
    assert found == pytest.approx({"a": 0.5, "b": 0.5, "c": 0.85, "d": 0.15})
    assert weigh_chances({"a": 1.0, "b": 1.0}, 1) == {"a": 0.5, "b": 0.5}
    assert weigh_chances({}, 5) == {}


@given(confidences_of_items, st.integers(0, 30))
def test_no_chance_is_above_one_and_together_they_are_at_most_the_count(confidences, count):
    found = weigh_chances(confidences, count)
    assert all(0 <= chance <= 1 for chance in found.values())
    assert sum(found.values()) <= count + 1e-9


def test_a_draw_depends_on_the_seed_and_the_item_alone():
    confidences = {str(number): 0.9 for number in range(200)}
    drawn = draw_checks(confidences, 50, seed="7")
    assert drawn == draw_checks(dict(reversed(confidences.items())), 50, seed="7")
    assert drawn != draw_checks(confidences, 50, seed="8")
    assert list(drawn.values()) == pytest.approx([0.25] * len(drawn)) and 30 <= len(drawn) <= 70


def test_the_error_rate_weighs_by_how_unlikely_a_check_was():
    found = estimate_errors([Checked(0.5, True), Checked(0.1, False), Checked(0.125, False)])
    assert found.rate == pytest.approx(2 / 20)
    assert (found.checked, found.wrong) == (3, 1)
    assert found.low < found.rate < found.high


def test_equal_chances_give_wilson_and_no_check_nothing():
    found = estimate_errors([Checked(0.999999, True)] + [Checked(0.999999, False)] * 9)
    assert found.rate == pytest.approx(0.1)
    none = estimate_errors([])
    assert (none.rate, none.low, none.high) == (None, 0.0, 1.0)
    clean = estimate_errors([Checked(0.1, False)] * 50)
    assert (clean.rate, clean.low) == (0.0, 0.0) and clean.high == pytest.approx(0.0714, abs=0.0001)
    assert clean.is_within(0.10) and not clean.is_within(0.05)


def test_checks_by_risk_find_more_errors_and_their_interval_holds_the_truth():
    draw = random.Random(5)
    confidences = {str(number): 1 - draw.betavariate(0.4, 7) for number in range(1_000)}
    wrong = {item: draw.random() > confidence for item, confidence in confidences.items()}
    true, held, found, looked, rates = sum(wrong.values()) / 1_000, 0, 0, 0, []
    for seed in range(200):
        drawn = draw_checks(confidences, 100, seed=str(seed))
        rate = estimate_errors([Checked(chance, wrong[item]) for item, chance in drawn.items()])
        held, found, looked = (
            held + (rate.low <= true <= rate.high),
            found + rate.wrong,
            looked + rate.checked,
        )
        rates.append(rate.rate)
    assert found / (looked * true) >= 1.5
    assert held >= 180
    assert sum(rates) / 200 == pytest.approx(true, abs=0.01)


def test_unsure_is_the_lower_half_between_what_was_asked_and_certainty():
    assert is_unsure(0.94, 0.9) and not is_unsure(0.96, 0.9)
