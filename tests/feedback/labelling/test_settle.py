"""When an item is settled, disputed, or decided by experts: by cases worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.labelling.settle import (
    DISPUTED,
    EXPERTS,
    OPEN,
    PEOPLE,
    SETTLED,
    Rule,
    Vote,
    settle,
    settle_by_experts,
)

RULE = Rule(overlap_min=2, overlap_max=5, confidence=0.90, classes="abcd")


def vote(said, **fields):
    """A small letter is what a labeller says, a capital one what an expert says, `?` that one cannot tell."""
    label = None if said == "?" else said.lower()
    return Vote(label, 0.8, tier=EXPERTS if said.isupper() else PEOPLE, **fields)


def stand(letters, rule=RULE):
    found = settle([vote(said) for said in letters], rule)
    return found.state, found.label, found.needs


@pytest.mark.parametrize(
    ("letters", "standing"),
    [
        ("", (OPEN, None, 2)),
        ("a", (OPEN, "a", 1)),
        ("aa", (SETTLED, "a", 0)),  # 144 against 3: 0.98
        ("ab", (OPEN, "a", 1)),
        ("aba", (SETTLED, "a", 0)),  # 144 against 14: 0.91
        ("abc", (OPEN, "a", 1)),
        ("abca", (OPEN, "a", 1)),  # 144 against 25: 0.85
        ("abcab", (DISPUTED, "a", 2)),
        ("a?", (OPEN, "a", 1)),
        ("?????", (DISPUTED, None, 2)),
        ("abcdA", (DISPUTED, "a", 1)),  # 144 against 36: 0.8; one expert has spoken
    ],
)
def test_an_item_settles_once_its_labels_are_sure(letters, standing):
    assert stand(letters) == standing


def test_better_labellers_settle_what_others_do_not():
    assert settle([Vote("a", 0.97), Vote("b", 0.6)], RULE).state == SETTLED
    assert settle([Vote("a", 0.3), Vote("a", 0.3)], RULE).state == OPEN


@pytest.mark.parametrize(
    ("experts", "standing"),
    [
        ("", (DISPUTED, "a", 2, False)),
        ("C", (DISPUTED, "c", 1, False)),
        ("CC", (SETTLED, "c", 0, False)),
        ("CA", (DISPUTED, "a", 1, True)),
        ("C?", (DISPUTED, "c", 1, False)),
    ],
)
def test_two_experts_who_agree_settle_a_dispute(experts, standing):
    found = settle([vote(said) for said in "abcab" + experts], RULE)
    assert (found.state, found.label, found.needs, found.shows_others) == standing
    assert found.tier == EXPERTS


def test_one_expert_who_has_seen_both_settles_it_alone():
    votes = [vote(said) for said in "abcabCA"]
    assert settle(votes, RULE).shows_others
    decided = settle([*votes, vote("B", saw_others=True)], RULE)
    assert (decided.state, decided.tier, decided.label) == (SETTLED, EXPERTS, "b")


def test_labels_before_a_check_opened_an_item_again_do_not_settle_it():
    assert settle_by_experts([], RULE).needs == 2
    assert settle_by_experts([vote("B")], RULE).state == DISPUTED
    assert settle_by_experts([vote("B"), vote("B")], RULE).label == "b"


def test_without_a_confidence_the_most_likely_answer_of_the_least_overlap_counts():
    duel = Rule(overlap_min=1, overlap_max=1, confidence=0, classes="ab")
    assert stand("b", duel) == (SETTLED, "b", 0)
    assert stand("abb", Rule(3, 3, 0, "ab")) == (SETTLED, "b", 0)
    assert stand("?", duel) == (DISPUTED, None, 2)


@given(st.lists(st.sampled_from("abcdABCD?"), max_size=9))
def test_an_item_asks_for_labels_until_it_is_settled_and_for_no_more(letters):
    found = settle([vote(said) for said in letters], RULE)
    assert (found.needs == 0) == (found.state == SETTLED)
    if found.state == OPEN:
        assert len(letters) + found.needs <= RULE.overlap_max and found.tier == RULE.tier
    if found.state == SETTLED:
        assert found.label in {said.lower() for said in letters}
