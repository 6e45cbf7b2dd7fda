"""Figures counted by hand."""

import pytest

from trainer.evaluation.text_drift import find_copied_share, measure_drift

ASKED = [
    {"role": "user", "content": "Where is my blue kettle, order AB-123?"},
    {"role": "assistant", "content": "Your kettle left the warehouse on Monday."},
    {"role": "user", "content": "And the lamp?"},
]
CHINESE = [{"role": "user", "content": "我的蓝色水壶在哪里？"}]


def test_drift_is_the_mean_distance_and_the_share_of_equal_texts():
    # equal; one of four letters; nothing in common
    found = measure_drift(["same", "abcd", "aa"], ["same ", "abcx", "zz"])
    assert found.edit_distance == pytest.approx((0 + 0.25 + 1) / 3)
    assert found.same == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("text", "messages", "share"),
    [
        ("Where is my blue kettle, order AB-123?", ASKED, 1.0),
        ("WHERE IS MY  BLUE KETTLE, order AB-123?", ASKED, 1.0),  # case and white space are no difference
        (
            "I see: where is my blue kettle. Well.",
            ASKED,
            23 / 37,
        ),  # " where is my blue kettle" less the space
        ("Order AB-123 left today.", ASKED, 12 / 24),  # "order ab-123" is just long enough to count
        ("AB-123 left.", ASKED, 0.0),
        ("Your kettle left the warehouse on Monday.", ASKED, 0.0),  # the agent's own words are no copy
        ("我的蓝色水壶在哪里？", CHINESE, 1.0),
        ("您的蓝色水壶已发出。", CHINESE, 0.0),  # five characters: the name of a thing
        ("", ASKED, 0.0),
    ],
)
def test_copied_share_is_the_longest_run_of_the_customers_words(text, messages, share):
    assert find_copied_share(text, messages) == pytest.approx(share)
