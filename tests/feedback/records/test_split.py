"""Splits: 80 / 10 / 10 by conversation, the same for ever."""

import hashlib
from collections import Counter

from feedback.records.split import SALT, split_of


def test_a_conversation_has_the_split_of_its_hash():
    place = int.from_bytes(hashlib.sha256((SALT + "star-1").encode()).digest()[:8], "big") / 2**64
    expected = "train" if place < 0.8 else "validation" if place < 0.9 else "test"
    assert split_of("star-1") == expected == "validation"


def test_known_conversations_keep_their_split_for_ever():
    # Written down once: a change here moves test conversations into training.
    assert [split_of(f"c{number}") for number in range(8)] == [
        "train",
        "train",
        "train",
        "train",
        "train",
        "train",
        "test",
        "train",
    ]


def test_shares_are_eighty_ten_ten():
    counted = Counter(split_of(f"conversation-{number}") for number in range(20_000))
    assert abs(counted["train"] / 20_000 - 0.8) < 0.01
    assert abs(counted["validation"] / 20_000 - 0.1) < 0.01
    assert abs(counted["test"] / 20_000 - 0.1) < 0.01


def test_another_salt_is_another_split():
    names = [f"c{number}" for number in range(200)]
    assert [split_of(name) for name in names] != [split_of(name, salt="other") for name in names]
