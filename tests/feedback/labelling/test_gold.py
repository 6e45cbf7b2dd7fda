"""Who gets gold when, and when it proves that somebody should pause."""

from datetime import timedelta

import pytest

from feedback.labelling.gold import is_worn, may_be_gold, should_look, should_pause, takes_gold
from feedback.labelling.settle import EXPERTS, Vote
from tests.databases import START


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


def test_gold_wears_out_after_fifty_people_or_ninety_days():
    assert not is_worn(49, START, START + timedelta(days=89))
    assert is_worn(50, START, START) and is_worn(0, START, START + timedelta(days=90))


def test_a_share_next_to_nothing_gives_the_gold_of_the_first_items_alone():
    assert sum(takes_gold(given, share=5e-324, seed="1", labeller="ann") for given in range(1_000)) == 3
