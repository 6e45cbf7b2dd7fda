"""How thumbs are weighed, and which reply of its batch each prompt is compared with, by hand."""

import pytest

from trainer.data.thumb_rows import ThumbRow, balance, mismatch


@pytest.mark.parametrize(
    ("ups", "downs", "factors"),
    [
        (50, 50, (1.0, 1.0)),
        (60, 50, (1.0, 1.0)),  # 6:5 lies between 1:1 and 4:3
        (80, 60, (1.0, 1.0)),
        (200, 50, (1 / 3, 1.0)),  # 200/3 to 50 are 4:3
        (50, 200, (1.0, 0.25)),
    ],
)
def test_the_heavier_class_is_lowered(ups, downs, factors):
    assert balance(ups, downs) == pytest.approx(factors)


def make_rows(conversations: str) -> list[ThumbRow]:
    return [
        ThumbRow(name, [1, place], [9, place], place % 2 == 0) for place, name in enumerate(conversations)
    ]


def partners(conversations: str, size: int) -> list[int]:
    """For each row that stays, the place of the row whose reply it is compared with."""
    return [row["KL_completion_ids"][1] for row in mismatch(make_rows(conversations), size)]


def test_replies_move_on_by_one_place_within_a_batch():
    assert partners("abcdef", 3) == [2, 0, 1, 5, 3, 4]
    assert partners("abcde", 3) == [2, 0, 1, 4, 3]


def test_a_last_row_that_is_alone_is_left_out():
    assert partners("abcd", 3) == [2, 0, 1]
    assert partners("a", 2) == []


def test_no_prompt_meets_a_reply_of_its_own_conversation_where_another_order_helps():
    assert partners("aabb", 4) == [2, 3, 0, 1]
    assert partners("aab", 3) == [2, 0, 1]  # one meets its own whatever is done


def test_a_row_keeps_its_prompt_its_reply_and_its_label():
    row = mismatch(make_rows("ab"), 2)[0]
    assert row == {"prompt_ids": [1, 0], "completion_ids": [9, 0], "KL_completion_ids": [9, 1], "label": True}
