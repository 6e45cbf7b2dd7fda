"""When an item is settled, disputed, or decided by experts: by cases worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.labelling.settle import EXPERTS, PEOPLE, SettlingRule, Vote, settle_by_experts, settle_votes
from feedback.records.item_states import DISPUTED, OPEN, SETTLED

RULE = SettlingRule(overlap_min=2, overlap_max=5, confidence=0.90, classes="abcd")


def vote(said, **fields):
    """A small letter is what a labeller says, a capital one what an expert says, `?` that one cannot tell."""
    label = None if said == "?" else said.lower()
    return Vote(label, 0.8, tier=EXPERTS if said.isupper() else PEOPLE, **fields)


def stand(letters, rule=RULE):
    found = settle_votes([vote(said) for said in letters], rule)
    return found.state, found.label


@pytest.mark.parametrize(
    ("letters", "standing"),
    [
        ("", (OPEN, None)),
        ("a", (OPEN, "a")),
        ("aa", (SETTLED, "a")),  # 144 against 3: 0.98
        ("ab", (OPEN, "a")),
        ("aba", (SETTLED, "a")),  # 144 against 14: 0.91
        ("abc", (OPEN, "a")),
        ("abca", (OPEN, "a")),  # 144 against 25: 0.85
        ("abcab", (DISPUTED, "a")),
        ("a?", (OPEN, "a")),
        ("?????", (DISPUTED, None)),
        ("abcdA", (DISPUTED, "a")),  # 144 against 36: 0.8; one expert has spoken
    ],
)
def test_an_item_settles_once_its_labels_are_sure(letters, standing):
    assert stand(letters) == standing


def test_better_labellers_settle_what_others_do_not():
    assert settle_votes([Vote("a", 0.97), Vote("b", 0.6)], RULE).state == SETTLED
    assert settle_votes([Vote("a", 0.3), Vote("a", 0.3)], RULE).state == OPEN


@pytest.mark.parametrize(
    ("experts", "standing"),
    [
        ("", (DISPUTED, "a", False)),
        ("C", (DISPUTED, "c", False)),
        ("CC", (SETTLED, "c", False)),
        ("CA", (DISPUTED, "a", True)),
        ("C?", (DISPUTED, "c", False)),
    ],
)
def test_two_experts_who_agree_settle_a_dispute(experts, standing):
    found = settle_votes([vote(said) for said in "abcab" + experts], RULE)
    assert (found.state, found.label, found.shows_others) == standing
    assert found.tier == EXPERTS


def test_one_expert_who_has_seen_both_settles_it_alone():
    votes = [vote(said) for said in "abcabCA"]
    assert settle_votes(votes, RULE).shows_others
    decided = settle_votes([*votes, vote("B", saw_others=True)], RULE)
    assert (decided.state, decided.tier, decided.label) == (SETTLED, EXPERTS, "b")


def test_labels_without_a_slot_count_for_no_overlap_and_for_experts_alone():
    late = Vote("a", 0.8, tier=EXPERTS, has_slot=False)
    assert settle_votes([vote("a"), late], RULE).state == OPEN
    assert settle_votes([*map(vote, "abcab"), late, late], RULE).label == "a"


def test_labels_before_a_check_opened_an_item_again_do_not_settle_it():
    assert settle_by_experts([], RULE).state == DISPUTED
    assert settle_by_experts([vote("B")], RULE).state == DISPUTED
    assert settle_by_experts([vote("B"), vote("B")], RULE).label == "b"


def test_without_a_confidence_the_most_likely_answer_of_the_least_overlap_counts():
    duel = SettlingRule(overlap_min=1, overlap_max=1, confidence=0, classes="ab")
    assert stand("b", duel) == (SETTLED, "b")
    assert stand("abb", SettlingRule(3, 3, 0, "ab")) == (SETTLED, "b")
    assert stand("?", duel) == (DISPUTED, None)


@given(st.lists(st.sampled_from("abcdABCD?"), max_size=9))
def test_an_item_stays_with_its_tier_below_its_overlap_alone(letters):
    found = settle_votes([vote(said) for said in letters], RULE)
    if found.state == OPEN:
        assert len(letters) < RULE.overlap_max and found.tier == RULE.tier
    if found.state == DISPUTED:
        assert len(letters) >= RULE.overlap_max and found.tier == EXPERTS
    if found.state == SETTLED:
        assert found.label in {said.lower() for said in letters}
