"""Which replies of an imported conversation people wrote: worked examples."""

from typing import NamedTuple

import pytest

from feedback.records.from_conversation import LONGEST, WrittenReply, count_characters, list_replies
from feedback.records.rejections import Refusal


class Line(NamedTuple):
    role: str
    origin: str | None
    text: str
    position: int


def lay_out(*said):
    """`c`: a customer, `p`: a person at the desk, `b`: a program, `s`: sent here by a judgement."""
    roles = {"c": ("customer", None), "p": ("agent", "person"), "b": ("agent", "bot"), "s": ("agent", "own")}
    return [Line(*roles[who], text, place) for place, (who, text) in enumerate(said, 1)]


def found_in(*said):
    return list(list_replies(lay_out(*said)))


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def test_each_reply_has_all_that_was_said_before_it():
    assert found_in(
        ("c", "Hi"), ("c", "Is it here?"), ("p", "Not yet."), ("c", "When?"), ("p", "Today.")
    ) == [
        WrittenReply(3, [user("Hi\nIs it here?")], "Not yet."),
        WrittenReply(5, [user("Hi\nIs it here?"), assistant("Not yet."), user("When?")], "Today."),
    ]


def test_what_the_desk_says_in_a_row_is_one_reply():
    assert found_in(("c", "Hi"), ("p", "Hello."), ("p", "How can I help?")) == [
        WrittenReply(2, [user("Hi")], "Hello.\nHow can I help?")
    ]


def test_what_a_program_wrote_is_no_reply_and_stays_in_the_prompt_of_the_next():
    assert found_in(("c", "Hi"), ("b", "I am a bot."), ("c", "A person!"), ("p", "Here I am.")) == [
        Refusal("not_by_person"),
        WrittenReply(4, [user("Hi"), assistant("I am a bot."), user("A person!")], "Here I am."),
    ]


@pytest.mark.parametrize("other", ["b", "s"])
def test_a_reply_of_a_person_and_somebody_else_is_none(other):
    assert found_in(("c", "Hi"), ("p", "Hello."), (other, "More.")) == [Refusal("not_by_person")]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((("p", "Good morning"),), []),  # nobody asked
        ((("p", "Good morning"), ("c", "Hi"), ("p", "Yes?")), [WrittenReply(3, [user("Hi")], "Yes?")]),
        ((("c", "Hi"),), []),
        ((("c", "Hi"), ("p", " ")), [Refusal("blank_text")]),
        ((("c", " "), ("p", "Yes?")), [Refusal("blank_prompt")]),
        ((), []),
    ],
)
def test_what_is_no_reply(said, expected):
    assert found_in(*said) == expected


def test_a_long_conversation_loses_what_is_oldest():
    said = [(who, f"{who}{number} " + 997 * "x") for number in range(30) for who in "cp"]
    last = found_in(*said)[-1]
    assert isinstance(last, WrittenReply) and last.position == 60
    assert [each["content"][:3] for each in last.prompt[:2]] == ["c22", "p22"]
    assert len(last.prompt) == 15 and count_characters(last.prompt) <= LONGEST
