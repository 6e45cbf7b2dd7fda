"""What the operations change in a message, and what keeps a change out."""

from random import Random

import pytest

from feedback.augment.guards import refuse_wording
from feedback.augment.making import Augmenting
from feedback.augment.order import change_order
from feedback.augment.synonyms import read_synonyms, swap_synonyms
from feedback.records.meaning import read_tokens
from feedback.records.rejections import Refusal

LONG = "My parcel arrived yesterday. The screen is broken. Can you help me?"


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("Where is the parcel?", "en", {"Where is the package?"}),
        ("Hello you", "en", {"Hi you", "Hey you"}),
        ("a Photo shop", "en", {"a Photo store"}),  # a capital inside a sentence is a name
        ("the shopping store-room", "en", {None}),  # whole words alone
        ("包裹在哪里", "zh", {"快件在哪里"}),
        ("Wo ist das parcel?", "de", {None}),
    ],
)
def test_synonyms_are_swapped_as_whole_words(text, language, words):
    assert {swap_synonyms(text, language, Random(seed)) for seed in range(20)} == words


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_synonym_turns_a_sentence_and_none_is_in_two_groups(language):
    _, groups = read_synonyms(language)
    members = [word for group in set(groups.values()) for word in group]
    assert len(members) == len(set(members)) == len(groups)
    assert not [word for word in members if any(token.weighs for token in read_tokens(word))]
    assert all(len(group) > 1 for group in groups.values())


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("It broke on day one. I want my money.", {"I want my money. It broke on day one."}),
        ("Hi there. It broke at once. I want my money", {"Hi there. I want my money. It broke at once."}),
        ("When my order comes late, do I pay less?", {"Do I pay less, when my order comes late?"}),
        ("东西已经坏了。我要怎么退货", {"我要怎么退货。东西已经坏了。"}),
        ("我的订单还没到，能帮我查吗？", {"能帮我查吗，我的订单还没到？"}),
        ("It costs 3.50 at shop.com", {None}),
        ("Hello, friends", {None}),
    ],
)
def test_sentences_or_else_clauses_change_their_places(text, orders):
    assert {change_order(text, Random(seed)) for seed in range(8)} == orders


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (LONG, None, "made_unchanged"),
        (LONG, LONG, "made_unchanged"),
        (LONG, LONG.replace("parcel", "package"), None),
        (
            "Wo bleibt meine Bestellung, ich warte seit Tagen?",
            "我的订单为什么这么久都还没有送到",
            "made_language",
        ),
        ("I want order AB-12 now please", "I want order AB-13 now please", "made_facts"),
        ("You can not send it back to me", "You can send it back to me now", "made_facts"),
        ("我不想退货了，请取消", "我想退货了，快请取消", "made_facts"),
        ("Write to me@home.example please", "Write to us@home.example please", "made_facts"),
        ("The lamp flickers " * 8 + "hi", "The lamp flickers " * 8 + "ho", "made_close"),
        ("Where is it all gone?", "The lamp flickers badly", "made_apart"),
    ],
)
def test_a_wording_that_loses_something_is_refused_by_name(before, after, reason):
    assert refuse_wording(before, after) == reason


def test_a_child_has_the_replies_and_the_pick_of_its_parent_and_no_token_ids():
    record = {
        "id": "x-1",
        "source": "shop",
        "language": "en",
        "prompt": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": LONG}],
        "prompt_token_ids": [1, 2],
        "base_id": "b",
        "candidates": [{"text": "Yes.", "token_ids": [3]}, {"text": "No.", "slot": 1}],
        "picked": [0],
        "tags": ["shop"],
    }
    ((first, ordered), (second, swapped)) = Augmenting(("synonym", "order")).make_children(record)
    assert (first, second) == ("order", "synonym")
    assert not isinstance(ordered, Refusal) and not isinstance(swapped, Refusal)
    assert sorted(ordered["prompt"][1]["content"].split()) == sorted(LONG.split())
    for child, operation in ((ordered, "order"), (swapped, "synonym")):
        text = child["prompt"][1]["content"]
        assert text != LONG and refuse_wording(LONG, text) is None
        assert child == {
            "id": f"x-1~{operation}",
            "source": "shop",
            "language": "en",
            "prompt": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": text}],
            "candidates": [{"text": "Yes."}, {"text": "No.", "slot": 1}],
            "picked": [0],
            "tags": ["shop"],
            "made": {"parent": "x-1", "operation": operation, "seed": 1},
        }
    assert list(Augmenting(("order", "synonym")).make_children(record)) == [
        ("order", ordered),
        ("synonym", swapped),
    ]
    record["prompt"][-1]["role"] = "tool"
    assert [found for _, found in Augmenting(("order",)).make_children(record)] == [Refusal("made_unchanged")]
