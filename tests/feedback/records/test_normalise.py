"""Imported choices obey the rules of live ones: equal texts merge, blank ones leave, picks move along."""

import pytest

from feedback.records.normalise import settle_choice
from feedback.records.rejections import Refusal
from feedback.records.schemas import ChoiceForm, read_form

PROMPT = [{"role": "user", "content": "Where is my order?"}]


def settle(texts, picked=(0,), **fields):
    body = {"prompt": PROMPT, "candidates": texts, "picked": list(picked)} | fields
    body["candidates"] = [text if isinstance(text, dict) else {"text": text} for text in texts]
    form = read_form(ChoiceForm, body)
    assert isinstance(form, ChoiceForm), form
    return settle_choice(form)


def test_equal_texts_merge_to_the_first_slot_and_the_pick_follows():
    choice = settle(["No.", "Yes.", "no.", "YES."], picked=[3])
    assert [reply.text for reply in choice.candidates] == ["No.", "YES."]
    assert choice.picked == [1]


def test_a_reply_keeps_the_slot_it_was_shown_in():
    choice = settle(["No.", "no.", " ", "Yes.", "Later."], picked=[3])
    assert [(reply.text, reply.slot) for reply in choice.candidates] == [
        ("No.", None),  # where the place says it already
        ("Yes.", 3),
        ("Later.", 4),
    ]
    assert choice.picked == [1] and settle_choice(choice) is choice


def test_a_merge_across_arms_is_of_both():
    replies = [
        {"text": "Yes.", "arm": "base"},
        {"text": "yes.", "arm": "tuned", "adapter": "tuned-20261121-1"},
    ]
    choice = settle([*replies, "No."], picked=[2])
    assert (choice.candidates[0].arm, choice.candidates[0].adapter) == ("both", "tuned-20261121-1")


def test_a_merge_within_an_arm_keeps_it():
    choice = settle([{"text": "Yes.", "arm": "base"}, {"text": "yes.", "arm": "base"}, "No."], picked=[1])
    assert choice.candidates[0].arm == "base"


def test_a_tie_of_equal_texts_is_a_pick():
    choice = settle(["Yes.", "yes.", "No."], picked=[0, 1])
    assert (choice.kind, choice.picked) == ("pick", [0])


def test_blank_replies_leave_and_the_pick_moves_up():
    choice = settle(["  ", "Yes.", "No."], picked=[2])
    assert [reply.text for reply in choice.candidates] == ["Yes.", "No."]
    assert choice.picked == [1]


@pytest.mark.parametrize(
    ("texts", "fields", "reason"),
    [
        (["Yes.", "yes."], {}, "fewer_than_two_replies"),
        (["Yes.", ""], {}, "fewer_than_two_replies"),
        (["Yes."], {}, "fewer_than_two_replies"),
        (["", "Yes.", "No."], {}, "blank_text"),
        (["Yes.", "No."], {"picked": [0, 1]}, "tie_of_all"),
        (["Yes.", "No."], {"picked": [], "own": " "}, "blank_text"),
        (["Yes.", "No."], {"edited": "\n"}, "blank_text"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(texts, fields, reason):
    refusal = settle(texts, **fields)
    assert isinstance(refusal, Refusal) and refusal.reason == reason


def test_an_own_text_that_hardly_differs_is_a_pick():
    near = "We have sent your parcel to the shop today."
    choice = settle([near, "No."], picked=[], own=near.replace("today.", "today!"))
    assert (choice.kind, choice.picked, choice.own) == ("pick", [0], None)


def test_settling_twice_changes_nothing():
    once = settle(["No.", "Yes.", "no.", "Perhaps tomorrow."], picked=[1], edited="Yes, but only tomorrow.")
    assert settle_choice(once) is once
