"""Thumbs that make a pair: one prompt, other texts, other conversations, one split, each thumb once."""

from feedback.records.pairs import ThumbMark, match_thumbs
from feedback.records.rejections import Refusal


def mark(position, up, conversation="c1", split="train", text=None, prompt="p"):
    return ThumbMark(position, prompt, conversation, split, text or f"{'good' * 9} {position}" * 3, up)


def match(*marks):
    return [
        "split_across" if isinstance(couple, Refusal) else tuple(one.position for one in couple)
        for couple in match_thumbs(marks)
    ]


def test_up_and_down_on_one_prompt_are_a_pair():
    assert match(mark(0, False, "c1", text="Go away."), mark(1, True, "c2", text="Gladly, one moment.")) == [
        (1, 0)
    ]


def test_one_conversation_makes_no_pair():
    assert match(mark(0, False, "c1", text="Go away."), mark(1, True, "c1", text="Gladly.")) == []


def test_other_prompts_make_no_pair():
    assert match(mark(0, False, "c1", text="Go away.", prompt="q"), mark(1, True, "c2", text="Gladly.")) == []


def test_equal_texts_make_no_pair():
    assert match(mark(0, False, "c1", text="Gladly."), mark(1, True, "c2", text="Gladly.")) == []


def test_two_splits_make_no_pair_but_a_reason():
    assert match(mark(0, False, "c1", "test", "Go away."), mark(1, True, "c2", "train", "Gladly.")) == [
        "split_across"
    ]


def test_each_thumb_is_used_once():
    downs = [mark(number, False, f"c{number}", text=f"Bad {number} {'x' * number}") for number in (0, 1)]
    ups = [mark(number, True, f"c{number}", text=f"Splendid {number}") for number in (2, 3, 4)]
    assert match(*downs, *ups) == [(2, 0), (3, 1)]
