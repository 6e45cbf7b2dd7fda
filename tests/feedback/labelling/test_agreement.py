"""Krippendorff's alpha against his published table, a loop from the definition, and real labels."""

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.labelling.agreement import (
    FIRM,
    LEAST_ITEMS,
    NO_TAG,
    NOMINAL,
    ORDINAL,
    SETS,
    UNCLEAR,
    USABLE,
    Agreement,
    Confusion,
    measure_agreement,
    measure_alpha,
    measure_tags,
)
from tests.feedback.labelling.stc3 import list_nuggets, list_scores, needs_stc3

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: four observers, twelve units.
TABLE = [
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
]
UNITS = [
    [int(value) for value in column if value != "."]
    for column in zip(*(row.split() for row in TABLE), strict=True)
]


def alpha_by_definition(items, distance):
    """1 less the distance of labels of one item over that of any two; a pair weighs 1 / (m - 1)."""
    several = [labels for labels in items if len(labels) > 1]
    every = [label for labels in several for label in labels]
    observed = sum(
        distance(one, other, every) / (len(labels) - 1)
        for labels in several
        for one, other in permutations(labels, 2)
    )
    values = sorted(set(every), key=str)
    expected = sum(
        every.count(one) * every.count(other) * distance(one, other, every)
        for one in values
        for other in values
        if one != other
    )
    return 1 - (len(every) - 1) * observed / expected


def nominal(one, other, _every):
    return float(one != other)


def ordinal(one, other, every):
    low, high = sorted((one, other))
    between = sum(low <= value <= high for value in every)
    return (between - (every.count(one) + every.count(other)) / 2) ** 2


def jaccard(one, other, _every):
    return 1 - len(one & other) / len(one | other) if one | other else 0.0


def test_alpha_is_that_of_the_published_table():
    assert measure_agreement(UNITS, NOMINAL).alpha == pytest.approx(0.743, abs=0.0005)
    assert measure_agreement(UNITS, ORDINAL, classes=[1, 2, 3, 4, 5]).alpha == pytest.approx(
        0.815, abs=0.0005
    )


labels_of_items = st.lists(st.lists(st.integers(1, 4), min_size=0, max_size=4), max_size=12)
tags_of_items = st.lists(st.lists(st.frozensets(st.sampled_from("abc")), max_size=3), max_size=10)


@given(labels_of_items)
def test_alpha_is_that_of_the_definition_whatever_the_labels(items):
    counted = [label for labels in items if len(labels) > 1 for label in labels]
    found = [measure_agreement(items, NOMINAL), measure_agreement(items, ORDINAL, classes=[1, 2, 3, 4])]
    if len(set(counted)) < 2:
        assert [each.alpha for each in found] == [None, None]
    else:
        told = [alpha_by_definition(items, distance) for distance in (nominal, ordinal)]
        assert [each.alpha for each in found] == pytest.approx(told, abs=1e-9)
        assert all(each.alpha <= 1 for each in found)
    assert {each.labels for each in found} == {len(counted)}


@given(tags_of_items)
def test_alpha_of_sets_of_tags_is_that_of_the_definition(items):
    counted = {label for labels in items if len(labels) > 1 for label in labels}
    found = measure_agreement(items, SETS)
    assert found.alpha == (
        pytest.approx(alpha_by_definition(items, jaccard), abs=1e-9) if len(counted) > 1 else None
    )
    assert measure_alpha(items, SETS) == found.alpha


@pytest.mark.parametrize("items", [[], [[]], [["a"]] * 40, [["a", "a"]] * 40, [["a"], ["b"], ["c"]]])
def test_where_nothing_can_differ_agreement_is_not_defined(items):
    found = measure_agreement(items, NOMINAL, classes=["a"])
    assert (found.alpha, found.low, found.high, found.grade, found.confusion) == (
        None,
        None,
        None,
        None,
        None,
    )


def test_few_items_have_neither_interval_nor_word():
    items = [["a", "a"], ["b", "b"]] * (LEAST_ITEMS // 2)
    few, enough = measure_agreement(items[1:], NOMINAL), measure_agreement(items, NOMINAL)
    assert (few.alpha, few.low, few.grade) == (1.0, None, None)
    assert (enough.alpha, enough.low, enough.high, enough.grade) == (1.0, 1.0, 1.0, FIRM)


def test_the_word_is_that_of_the_limits():
    def graded(alpha):
        return Agreement(alpha, None, None, LEAST_ITEMS, 60, None).grade

    assert [graded(alpha) for alpha in (0.8, 0.79, 0.667, 0.66, -0.2)] == [
        FIRM,
        USABLE,
        USABLE,
        UNCLEAR,
        UNCLEAR,
    ]


def test_the_costliest_confusion_is_told_by_name():
    items = [["refund", "exchange"]] * 3 + [["refund", "delivery"]] + [["refund", "refund"]] * 5
    assert measure_agreement(items, NOMINAL).confusion == Confusion("refund", "exchange", 3, 4)


def test_on_a_scale_the_far_difference_costs_more_than_several_near_ones():
    items = [[1, 2], [1, 2], [1, 5]] + [[score, score] for score in (1, 2, 3, 4, 5)]
    assert measure_agreement(items, ORDINAL, classes=[1, 2, 3, 4, 5]).confusion == Confusion(1, 5, 1, 3)


def test_of_sets_the_tags_that_stand_against_each_other_are_told():
    both, refund, none = frozenset({"refund", "late"}), frozenset({"refund"}), frozenset()
    assert measure_agreement([[both, refund], [refund, refund]], SETS).confusion == Confusion(
        NO_TAG, "late", 1, 1
    )
    items = [[refund, frozenset({"exchange"})], [none, none]]
    assert measure_agreement(items, SETS).confusion == Confusion("exchange", "refund", 1, 1)


def test_each_tag_alone_is_given_or_not():
    items = [
        [frozenset({"a", "b"}), frozenset({"a"})],
        [frozenset({"b"}), frozenset()],
        [frozenset(), frozenset()],
    ]
    found = measure_tags(items, ["a", "b"])
    assert found["a"].alpha == 1.0
    assert found["b"].alpha == pytest.approx(alpha_by_definition([[1, 0], [1, 0], [0, 0]], nominal))


def test_the_interval_is_the_same_again_and_holds_alpha():
    items = [["a", "a"], ["a", "b"], ["b", "b"], ["b", "b"]] * 20
    found = measure_agreement(items, NOMINAL)
    assert found == measure_agreement(items, NOMINAL)
    assert found.low < found.alpha < found.high


def alpha_by_counts(items, apart):
    """The definition by how often each answer stands in an item: a loop over all pairs of labels would take
    minutes here.
    """
    held = [Counter(labels) for labels in items]
    among = Counter(label for labels in items for label in labels)
    inside = sum(
        counts[one] * counts[other] * apart(one, other, among) / (counts.total() - 1)
        for counts in held
        for one, other in permutations(counts, 2)
    )
    between = sum(
        among[one] * among[other] * apart(one, other, among) for one, other in permutations(among, 2)
    )
    return 1 - (among.total() - 1) * inside / between


@needs_stc3
def test_alpha_of_real_labels_is_that_of_a_loop_over_items():
    nuggets = list_nuggets()
    found = measure_agreement(nuggets, NOMINAL)
    assert (found.items, found.labels) == (13_078, 248_482)
    assert found.alpha == pytest.approx(0.4896, abs=0.0001)
    assert found.alpha == pytest.approx(alpha_by_counts(nuggets, nominal), abs=1e-9)
    assert found.grade == UNCLEAR and 0.48 < found.low < found.alpha < found.high < 0.50
    assert {found.confusion.one, found.confusion.other} == {"HNUG", "HNaN"}


@needs_stc3
@pytest.mark.parametrize(("which", "alpha"), [(0, 0.2621), (1, 0.2902), (2, 0.2013)])
def test_alpha_of_real_scores_is_that_of_a_loop_over_items(which, alpha):
    scores = list_scores(which)
    found = measure_agreement(scores, ORDINAL, classes=[-2, -1, 0, 1, 2])
    assert found.alpha == pytest.approx(alpha, abs=0.0001)

    def apart(one, other, among):
        low, high = sorted((one, other))
        between = sum(among[score] for score in range(low, high + 1))
        return (between - (among[one] + among[other]) / 2) ** 2

    assert found.alpha == pytest.approx(alpha_by_counts(scores, apart), abs=1e-9)
