"""Prompts: roles, neighbours, leading agent messages, knowledge, and cutting by whole messages."""

import pytest

from serving.errors import PromptTooLong
from serving.prompt import CUT, build_messages, count_left_out, fit_messages


def turns(text: str) -> list[dict[str, str]]:
    """`c:hello a:hi` as a history."""
    roles = {"c": "customer", "a": "agent"}
    return [{"role": roles[part[0]], "text": part[2:]} for part in text.split()]


def short(messages) -> str:
    return " ".join(f"{message['role'][0]}:{message['content']}" for message in messages)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ("c:1", "u:1"),
        ("c:1 a:2 c:3", "u:1 a:2 u:3"),
        ("c:1 c:2 c:3", "u:1\n2\n3"),
        ("c:1 a:2 a:3 c:4", "u:1 a:2\n3 u:4"),
        ("a:0 c:1", "u:1"),
        ("a:0 a:0 c:1 a:2", "u:1 a:2"),
        ("a:0", ""),
        ("", ""),
    ],
)
def test_roles_are_mapped_and_neighbours_joined(history, expected):
    assert short(build_messages(turns(history), system_prompt="", knowledge=[])) == expected


def test_system_prompt_comes_first_and_knowledge_follows_it():
    knowledge = [{"title": "Returns", "text": "30 days."}, {"title": "Post", "text": "2 days."}]
    (system, user) = build_messages(turns("c:1"), system_prompt="Be kind.", knowledge=knowledge)
    assert system == {"role": "system", "content": "Be kind.\n\nReturns\n30 days.\n\nPost\n2 days."}
    assert user == {"role": "user", "content": "1"}


def test_history_is_left_as_it_was():
    history = turns("c:1 c:2")
    build_messages(history, system_prompt="s", knowledge=[])
    assert history == turns("c:1 c:2")


def words(messages) -> int:
    return sum(len(message["content"].split()) for message in messages)


LONG = [
    {"role": "system", "content": "s s"},
    *[
        {"role": role, "content": f"{name} {name} {name}"}
        for role, name in (
            ("user", "1"),
            ("assistant", "2"),
            ("user", "3"),
            ("assistant", "4"),
            ("user", "5"),
        )
    ],
]


@pytest.mark.parametrize(("budget", "kept"), [(17, "12345"), (16, "345"), (11, "345"), (10, "5"), (5, "5")])
def test_oldest_messages_are_cut_up_to_a_user_message(budget, kept):
    fitted = fit_messages(LONG, count_tokens=words, budget=budget)
    assert fitted[0]["role"] == "system"
    assert "".join(message["content"][0] for message in fitted[1:]) == kept


def test_what_cannot_be_cut_is_told_with_both_numbers():
    with pytest.raises(PromptTooLong) as caught:
        fit_messages(LONG, count_tokens=words, budget=4)
    assert (caught.value.tokens, caught.value.budget) == (5, 4)
    assert "5 tokens are needed and 4 are allowed" in str(caught.value)


def test_texts_that_do_not_fit_lose_their_middle():
    text = "first " + "x " * 3000 + "last"
    said = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": text}]
    fitted = fit_messages(said, count_tokens=words, budget=500)
    assert fitted[0] == said[0]
    cut = fitted[1]["content"]
    assert cut.startswith("first x ") and cut.endswith(" x last") and cut.count(CUT) == 1
    assert 450 < words(fitted) <= 500
    assert count_left_out(said, fitted) == len(text) - (len(cut) - len(CUT))
    assert count_left_out(said, said) == 0


def test_long_knowledge_is_cut_and_older_messages_leave_whole():
    said = [
        {"role": "system", "content": "Be kind.\n\n" + "k " * 4000},
        *({"role": role, "content": f"old {role}"} for role in ("user", "assistant")),
        {"role": "user", "content": "Where is it?"},
    ]
    fitted = fit_messages(said, count_tokens=words, budget=300)
    assert [message["role"] for message in fitted] == ["system", "user"]
    assert fitted[0]["content"].startswith("Be kind.\n\nk ") and fitted[1] == said[3]
    assert count_left_out(said, fitted) == len(said[0]["content"]) - len(fitted[0]["content"]) + len(CUT)


def test_single_short_message_that_does_not_fit_is_not_cut():
    with pytest.raises(PromptTooLong):
        fit_messages([{"role": "user", "content": "1 2 3"}], count_tokens=words, budget=2)


def test_long_history_is_counted_a_few_times_only():
    messages = [{"role": ("user", "assistant")[i % 2], "content": "w " * 10} for i in range(201)]
    counted = []

    def count(candidate):
        counted.append(1)
        return words(candidate)

    fitted = fit_messages(messages, count_tokens=count, budget=95)
    assert words(fitted) == 90 and fitted[0]["role"] == "user"
    assert len(counted) <= 9  # the whole and log2(101) halvings
