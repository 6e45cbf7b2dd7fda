"""Every kind takes the values that its question allows, and names the field of any other."""

import pytest

from feedback.labelling.kinds import (
    KINDS,
    MAX_TEXT,
    TextTooLong,
    ValueUnknown,
    answer_of,
    check_text,
    check_value,
    list_answers,
    order_replies,
    value_of,
)
from tests.feedback.labelling.tasks import QUESTIONS, SHOWN

GOOD = [
    ("tag", {"tags": ["billing/refund", "billing"]}, {"tags": ["billing", "billing/refund"]}),
    ("tag", {"tags": []}, {"tags": []}),
    ("tag", {"tags": ["billing", "billing"]}, {"tags": ["billing"]}),
    ("compare", {"side": "both_bad"}, {"side": "both_bad"}),
    ("pick", {"picked": [2, 0, 2]}, {"picked": [0, 2]}),
    ("pick", {"none": True}, {"none": True}),
    ("rate", {"score": 5}, {"score": 5}),
    ("rewrite", {"unchanged": False}, {"unchanged": False}),
    ("check", {"verdict": "unsure"}, {"verdict": "unsure"}),
]
BAD = [
    ("tag", {}, "value.tags"),
    ("tag", {"tags": "billing"}, "value.tags"),
    ("tag", {"tags": ["shipping"]}, "value.tags"),
    ("tag", {"tags": [["billing"]]}, "value.tags"),
    ("compare", {"side": "c"}, "value.side"),
    ("compare", {"side": "a", "score": 1}, "value.score"),
    ("pick", {"picked": []}, "value.picked"),
    ("pick", {"picked": [3]}, "value.picked"),
    ("pick", {"picked": [True]}, "value.picked"),
    ("pick", {"none": False}, "value.none"),
    ("pick", {"none": True, "picked": [0]}, "value.picked"),
    ("rate", {"score": 0}, "value.score"),
    ("rate", {"score": True}, "value.score"),
    ("rate", {"score": 3.0}, "value.score"),
    ("rewrite", {"unchanged": 1}, "value.unchanged"),
    ("check", {"verdict": None}, "value.verdict"),
]


def check(kind, value):
    return check_value(kind, value, question=QUESTIONS.get(kind, {}), shown=SHOWN[kind])


@pytest.mark.parametrize(("kind", "value", "stored"), GOOD)
def test_a_value_that_the_question_allows_is_stored_in_one_form(kind, value, stored):
    assert check(kind, value) == stored
    assert value_of(kind, answer_of(kind, stored)) == stored


@pytest.mark.parametrize(("kind", "value", "field"), BAD)
def test_any_other_value_is_refused_by_the_name_of_its_field(kind, value, field):
    with pytest.raises(ValueUnknown) as refused:
        check(kind, value)
    assert refused.value.message.startswith(f"{field} is ") and refused.value.hint.startswith("Allowed: ")


def test_every_kind_is_tried():
    assert {kind for kind, *_ in GOOD} == {kind for kind, *_ in BAD} == set(KINDS) == set(SHOWN)


def test_only_a_rewritten_reply_has_a_text_and_that_has_to_say_something():
    assert check_text("rewrite", {"unchanged": False}, "Better.") == "Better."
    assert check_text("rewrite", {"unchanged": True}, None) is None
    for kind, value, text in [
        ("rewrite", {"unchanged": False}, " \n"),
        ("rewrite", {"unchanged": False}, None),
        ("rewrite", {"unchanged": True}, "Better."),
        ("rate", {"score": 1}, "Bad."),
    ]:
        with pytest.raises(ValueUnknown, match="text is "):
            check_text(kind, value, text)
    assert check_text("rewrite", {"unchanged": False}, "x" * MAX_TEXT)
    with pytest.raises(TextTooLong, match="20001"):
        check_text("rewrite", {"unchanged": False}, "x" * (MAX_TEXT + 1))


def test_who_cannot_tell_speaks_for_no_answer():
    assert answer_of("check", {"verdict": "unsure"}) is None
    assert list_answers("check", question={}, shown={}) == ["good", "bad"]


def test_the_answers_of_a_kind_come_in_their_order():
    assert list_answers("rate", question={}, shown={}) == [1, 2, 3, 4, 5]
    assert list_answers("tag", question=QUESTIONS["tag"], shown={}) == [
        frozenset(),
        frozenset({"billing"}),
        frozenset({"billing/refund"}),
    ]
    assert list_answers("pick", question={}, shown={"replies": ["", ""]}) == [
        frozenset(),
        frozenset({0}),
        frozenset({1}),
    ]


def test_replies_stand_in_an_order_of_each_labellers_own_that_stays():
    orders = [tuple(order_replies("compare", SHOWN["compare"], f"7:1:{number}")) for number in range(1_000)]
    assert set(orders) == {("a", "b"), ("b", "a")}
    assert 440 < orders.count(("a", "b")) < 560  # 500 by chance, within 4 standard deviations
    again = order_replies("pick", SHOWN["pick"], "7:1:ann")
    assert again == order_replies("pick", SHOWN["pick"], "7:1:ann") and sorted(again) == [0, 1, 2]
    assert order_replies("rate", SHOWN["rate"], "7:1:ann") == []
