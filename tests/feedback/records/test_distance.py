"""How far texts are apart, and which changes are details."""

import pytest

from feedback.records.distance import edit_distance, only_details_changed


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("abcd", "abcd", 0.0),
        ("abcd", "abce", 0.25),
        ("abcd", "ab", 0.5),
        ("", "abc", 1.0),
        ("", "", 0.0),
        ("a  b\n c", "a b c", 0.0),  # white space runs are one
        ("ＡＢ１２", "AB12", 0.0),  # wide forms are the same signs
        ("Ab", "ab", 0.5),  # case is a difference here
    ],
)
def test_distance_is_levenshtein_over_the_longer(left, right, expected):
    assert edit_distance(left, right) == expected
    assert edit_distance(right, left) == expected


SAID = ["My order is A-1042, I am Alice and I want the red mug. Why not today?", "我要红色水杯，不行吗"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Order 1024 ships today.", "Order 1042 ships today.", True),
        ("Hello Bob, it ships today.", "Hello Alice, it ships today.", True),
        ("It ships today.", "The red mug ships today.", True),  # for "it", three words of the customer
        ("您的蓝色水杯今天发货", "您的红色水杯今天发货", True),
        ("It ships on 3 May.", "It ships on 12 May.", False),
        ("Order 1024 ships today.", "Order 1043 ships today.", False),  # a number that nobody named
        ("Order AB-123 ships.", "Order A-1042 ships.", True),
        ("It ships today, Alice.", "It ships today.", False),  # the comma went too
        ("It ships today.", "It ships tomorrow.", False),
        ("It will ship.", "It will not ship.", False),  # the customer said "not", and it turns the sentence
        ("可以退货", "不可以退货", False),
        ("We can't do that today.", "We can do that today.", False),
        ("Sorry for the long wait, Bob Smith.", "Alice.", False),  # much is gone, little came
        ("The same.", "The same.", False),  # nothing changed
    ],
)
def test_only_numbers_and_the_customers_words_are_details(before, after, expected):
    assert only_details_changed(before, after, SAID) is expected
