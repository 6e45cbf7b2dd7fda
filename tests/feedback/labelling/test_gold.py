"""Who gets gold when, and when it proves that somebody should pause."""

from itertools import islice

import pytest

from feedback.labelling.gold import (
    count_coming,
    list_gold_places,
    may_be_gold,
    should_look,
    should_pause,
    takes_gold,
)
from feedback.labelling.settle import EXPERTS, Vote


def list_gold(labeller, share=0.05, seed="7"):
    return [given for given in range(210) if takes_gold(given, share=share, seed=seed, labeller=labeller)]


@pytest.mark.parametrize("labeller", ["ann", "ben", "cem"])
def test_three_of_the_first_ten_are_gold_and_then_one_in_twenty(labeller):
    places = list_gold(labeller)
    assert len([place for place in places if place < 10]) == 3
    assert [(place - 10) // 20 for place in places if place >= 10] == list(range(10))


def test_the_places_differ_by_labeller_and_task_and_there_are_none_without_a_share():
    found = [list_gold(labeller, seed=seed) for labeller in ("ann", "ben") for seed in ("7", "8")]
    assert len({tuple(places) for places in found}) == 4
    assert list_gold("ann", share=0) == []
    assert len(list_gold("ann", share=0.5)) == 3 + 100


@pytest.mark.parametrize(
    ("correct", "cases", "pauses"),
    [(2, 10, True), (4, 10, False), (7, 20, True), (0, 9, False), (0, 10, True), (58, 100, False)],
)
def test_a_pause_needs_proof_of_less_than_sixty_of_a_hundred(correct, cases, pauses):
    assert should_pause(correct, cases - correct, gold=3) is pauses
    assert not should_pause(correct, cases - correct, gold=2)


def test_reliability_is_looked_at_after_each_gold_and_each_fifth_label():
    assert should_look(7, 3, is_gold=True) and should_look(10, 3, is_gold=False)
    assert not should_look(11, 3, is_gold=False) and not should_look(10, 2, is_gold=True)


def test_only_what_two_experts_say_without_seeing_each_other_is_gold():
    def expert(label, **fields):
        return Vote(label, 0.8, tier=EXPERTS, **fields)

    assert may_be_gold([expert("a"), expert("a")])
    assert may_be_gold([Vote("b", 0.8), expert("a"), expert("a")])
    for votes in ([expert("a")], [expert("a"), expert("b"), expert("a")], [Vote("a", 0.8), Vote("a", 0.8)]):
        assert not may_be_gold(votes)
    assert not may_be_gold([expert("a"), expert("a", saw_others=True)])
    assert not may_be_gold([expert(None), expert(None)])


@pytest.mark.parametrize("given", [0, 4, 10, 11, 31])
def test_the_places_from_somewhere_on_are_those_of_all_places_that_come_then(given):
    every = islice(list_gold_places(0, share=0.05, seed="7", labeller="ann"), 12)
    rest = list_gold_places(given, share=0.05, seed="7", labeller="ann")
    expected = [place for place in every if place >= given]
    assert list(islice(rest, len(expected))) == expected


@pytest.mark.parametrize(
    ("places", "given", "others", "coming"),
    [
        # o is one of the others, G is gold, and the labeller stops where an o is wanted and none is left.
        ([2, 5], 0, 1, 0),  # o, then none
        ([2, 5], 0, 2, 1),  # o o G, then none
        ([2, 5], 0, 3, 1),  # o o G o, then none
        ([2, 5], 0, 4, 2),  # o o G o o G
        ([2, 3, 4], 2, 0, 3),  # G G G
        ([], 0, 9, 0),
    ],
)
def test_gold_comes_where_the_other_items_last_to_its_place(places, given, others, coming):
    assert count_coming(places, given=given, others=others) == coming


def test_a_share_next_to_nothing_gives_the_gold_of_the_first_items_alone():
    assert sum(takes_gold(given, share=5e-324, seed="1", labeller="ann") for given in range(1_000)) == 3
