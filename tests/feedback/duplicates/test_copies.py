"""Copies: the same statement put in twice; two acts that agree are none. Each list is worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.duplicates.copies import (
    Statements,
    find_copies,
    find_implied,
    find_opposed,
    read_choice_statement,
    read_pair_statement,
    read_thumb_statement,
)

ASKED = [{"role": "user", "content": "Where is my order?"}]
REPLIES = ("It leaves today.", "Please wait.", "No idea.")


def choice(picked=(0,), replies=REPLIES, prompt=ASKED, own=None, edited=None):
    texts = [{"text": text} for text in replies]
    return {"prompt": prompt, "candidates": texts, "picked": list(picked), "own": own, "edited": edited}


def pair(chosen, rejected, prompt=ASKED):
    sides = ([{"role": "assistant", "content": text}] for text in (chosen, rejected))
    return {"prompt": prompt, **dict(zip(("chosen", "rejected"), sides, strict=True))}


def thumb(label, text="It leaves today."):
    return {"prompt": ASKED, "completion": [{"role": "assistant", "content": text}], "label": label}


READ = {
    "candidates": read_choice_statement,
    "chosen": read_pair_statement,
    "completion": read_thumb_statement,
}


def hold(*given, own=("live", "duel")):
    """Statement of records (body, source, person, conversation)."""
    held = Statements()
    for body, source, person, conversation in given:
        read = next(read for name, read in READ.items() if name in body)
        held.add(read(body, person), source=source, conversation=conversation, is_own=source in own)
    return held


def refuse(held, grades=None):
    copies = find_copies(held, grades or {}, np.ones(len(held), np.bool_))
    return copies.is_copy.tolist(), dict(copies.by_sources)


def test_of_equal_records_the_first_stays_and_both_sources_are_counted():
    held = hold(
        (choice(), "a", None, "1"),
        (choice([2], [REPLIES[2], REPLIES[1], "it  LEAVES today."]), "b", None, "2"),
        (choice([1]), "b", None, "3"),
        (choice(), "b", None, "4"),
        (choice(replies=REPLIES[:2]), "b", None, "5"),
        (choice([], own="Tomorrow."), "b", None, "6"),
    )
    assert refuse(held) == ([False, True, False, True, False, False], {("a", "b"): 2})


def test_the_better_grade_stays_whatever_comes_first():
    held = hold((choice(), "a", None, "1"), (choice(), "b", None, "1"), (choice(), "c", None, "1"))
    assert refuse(held, {"a": 2, "b": 1, "c": 1}) == (
        [True, False, True],
        {("b", "a"): 1, ("b", "c"): 1},
    )


@pytest.mark.parametrize(
    ("one", "other", "is_copy"),
    [
        (("a", "ann", "1"), ("a", "ann", "1"), True),
        (("a", "ann", "1"), ("a", "ann", "2"), False),  # one person, twice
        (("a", "ann", "1"), ("b", "ann", "2"), True),  # two sources name conversations as they like
        (("a", "ann", "1"), ("b", "bob", "1"), False),  # two opinions
        (("a", None, "1"), ("a", None, "2"), True),
        (("a", "ann", "1"), ("b", None, "2"), True),
        (("live", "ann", "1"), ("live", "ann", "1"), False),
        (("live", "ann", "1"), ("duel", "ann", "1"), False),
        (("live", "ann", "1"), ("b", None, "1"), True),
    ],
)
def test_two_acts_that_agree_are_no_copies(one, other, is_copy):
    assert refuse(hold((choice(), *one), (choice(), *other)))[0] == [False, is_copy]


def test_a_pair_that_a_choice_implies_is_a_copy_and_its_opposite_is_not():
    choices = hold((choice([0, 1]), "star", "ann", "1"), (choice([2]), "late", None, "1"))
    pairs = hold(
        (pair(REPLIES[1], REPLIES[2]), "star", "ann", "9"),
        (pair(REPLIES[0], REPLIES[1]), "star", "ann", "9"),  # equally good
        (pair(REPLIES[0], REPLIES[2]), "star", "bob", "9"),  # another opinion
        (pair(REPLIES[2], REPLIES[0]), "star", None, "9"),
        (pair(REPLIES[1], REPLIES[2], [*ASKED, *ASKED]), "star", "ann", "9"),
    )
    found = find_implied(pairs, choices, np.array([True, True]))
    assert found.is_copy.tolist() == [True, False, False, True, False]
    assert dict(found.by_sources) == {("star", "star"): 1, ("late", "star"): 1}
    assert find_implied(pairs, choices, np.array([True, False])).is_copy.tolist()[3] is False


def test_an_edited_and_an_own_text_imply_their_pairs():
    choices = hold((choice(edited="Today!"), "s", None, "1"), (choice([], own="Now."), "s", None, "2"))
    pairs = hold((pair("Today!", REPLIES[0]), "p", None, "1"), (pair("Now.", REPLIES[2]), "p", None, "2"))
    assert find_implied(pairs, choices, np.array([True, True])).is_copy.tolist() == [True, True]


def test_thumbs_are_copies_of_equal_thumbs():
    held = hold((thumb(True), "a", None, "1"), (thumb(True), "b", None, "1"), (thumb(False), "b", None, "2"))
    assert refuse(held)[0] == [False, True, False]


def test_a_contradiction_names_the_records_of_both_sides():
    lists = [
        hold((choice([0]), "a", "ann", "1"), (choice([1]), "a", "bob", "2"), (choice([2]), "b", "eve", "3")),
        hold((pair(REPLIES[1], REPLIES[0]), "p", None, "1")),
        hold(
            (thumb(True), "t", None, "1"), (thumb(False), "t", None, "2"), (thumb(True, "x"), "t", None, "3")
        ),
    ]
    left = [np.ones(len(held), np.bool_) for held in lists]
    found = {
        frozenset(
            frozenset((number, place) for number, place, is_first in said if is_first == side)
            for side in (True, False)
        )
        for said in find_opposed(lists, left)
    }
    assert found == {
        frozenset({frozenset({(0, 0)}), frozenset({(0, 1), (1, 0)})}),
        frozenset({frozenset({(0, 0)}), frozenset({(0, 2)})}),
        frozenset({frozenset({(0, 1)}), frozenset({(0, 2)})}),
        frozenset({frozenset({(2, 0)}), frozenset({(2, 1)})}),
    }
    left[0][1] = left[1][0] = False
    assert len(list(find_opposed(lists, left))) == 2


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from("abc"), st.sampled_from(["ann", None])), max_size=12
    )
)
def test_what_stays_says_all_that_was_said_and_nothing_twice_by_nobody(given):
    bodies = [choice([0]), choice([1]), choice([2]), choice([0, 1])]
    held = hold(*((bodies[number], source, person, "1") for number, source, person in given))
    is_copy, by_sources = refuse(held)
    kept = [number for (number, _, _), copied in zip(given, is_copy, strict=True) if not copied]
    assert sorted(kept) == sorted({number for number, _, _ in given})
    assert sum(by_sources.values()) == sum(is_copy)


def test_no_record_is_no_copy():
    assert refuse(hold()) == ([], {})
    assert list(find_opposed([hold()], [np.empty(0, np.bool_)])) == []
