"""The posterior of an item against numbers worked out by hand, and its laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.labelling.posterior import FIRST_ACCURACY, find_best, find_posterior

SCORES = (1, 2, 3, 4, 5)
votes_of_items = st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1)), max_size=6)


def test_two_who_agree_and_one_who_does_not():
    # Of four answers 0.8 against 0.2 / 3 is 12 to 1: the two have 144, the other 12, the rest 1.
    found = find_posterior([("a", 0.8), ("a", 0.8), ("b", 0.8)], "abcd")
    assert found == pytest.approx({"a": 144 / 158, "b": 12 / 158, "c": 1 / 158, "d": 1 / 158})
    assert find_best(found) == ("a", pytest.approx(0.9114, abs=0.0001))


def test_who_errs_more_often_than_chance_speaks_against_their_answer():
    found = find_posterior([("a", 0.2)], "ab")
    assert found == pytest.approx({"a": 0.2, "b": 0.8})


def test_one_step_beside_counts_half_on_a_scale():
    # 0.8 against 0.2 / 4 is 16 to 1, its half 4 to 1; 3 has two halves, 1 and 5 one.
    found = find_posterior([(2, 0.8), (4, 0.8)], SCORES, ordinal=True)
    weights = {1: 4, 2: 16, 3: 16, 4: 16, 5: 4}
    assert found == pytest.approx({score: weight / 56 for score, weight in weights.items()})


def test_without_labels_all_answers_are_equally_likely_and_one_answer_is_certain():
    assert find_posterior([], "ab") == {"a": 0.5, "b": 0.5}
    assert find_posterior([("a", FIRST_ACCURACY)], "a") == {"a": 1.0}
    assert find_posterior([], "") == {}


def test_an_answer_outside_the_classes_is_one_more():
    assert find_posterior([("x", 0.8)], "ab") == pytest.approx({"a": 0.1, "b": 0.1, "x": 0.8})


@given(votes_of_items)
def test_chances_are_of_one_and_do_not_depend_on_the_order(votes):
    found = find_posterior(votes, "abc")
    assert sum(found.values()) == pytest.approx(1)
    assert find_posterior(votes[::-1], "abc") == pytest.approx(found)
