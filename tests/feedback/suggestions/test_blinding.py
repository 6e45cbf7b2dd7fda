"""Rules of blind sets against examples worked out by hand."""

from collections import Counter
from dataclasses import replace

import pytest

from feedback.records.candidate import BASE, BOTH, TUNED
from feedback.records.text import normalise
from feedback.suggestions.blinding import GeneratedCandidate, choose_resamples, find_fault, order_slots, place
from serving.client.client import Reply

ADAPTER = "tuned-20261122-1"
OLD, NEW = "tuned-20261120-1", "tuned-20261121-1"


def make_candidate(arm: str, number: int, text: str | None, reason: str | None = None) -> GeneratedCandidate:
    adapter = ADAPTER if arm == TUNED else None
    reply = None if text is None else Reply(text, [1, 2], "stop")
    return GeneratedCandidate(arm, adapter, 0 if arm == BASE else 1, number, reply, reason)


def two_and_two(*texts: str | None) -> list[GeneratedCandidate]:
    arms = ((BASE, 0), (BASE, 1), (TUNED, 0), (TUNED, 1))
    return [make_candidate(arm, number, text) for (arm, number), text in zip(arms, texts, strict=True)]


def exchange_arms(generated: list[GeneratedCandidate]) -> list[GeneratedCandidate]:
    other = {BASE: (TUNED, ADAPTER), TUNED: (BASE, None)}
    return [replace(reply, arm=other[reply.arm][0], adapter=other[reply.arm][1]) for reply in generated]


@pytest.mark.parametrize(
    ("text", "finish_reason", "fault"),
    [
        ("Your order left today.", "stop", None),
        ("", "stop", "empty"),
        (" \n\t", "stop", "empty"),
        ("", "length", "empty"),
        ("Your order left", "length", "cut_off"),
        ("Your order left", "abort", "cut_off"),
        ("Your order left", None, "cut_off"),
    ],
)
def test_only_a_whole_reply_is_available(text, finish_reason, fault):
    assert find_fault(Reply(text, [1], finish_reason)) == fault


def test_a_thought_without_a_reply_is_told_from_an_empty_reply():
    assert find_fault(Reply("", [], "stop", is_thought=True)) == "thoughts"
    assert find_fault(Reply("", [], "length", is_thought=True)) == "thoughts"


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ("Thank you!", "  thank\n you! ", True),
        ("STRASSE", "straße", True),
        ("１２３　号", "123 号", True),  # full-width digits and the ideographic space
        ("Thank you!", "Thank you.", False),
        ("Thankyou", "Thank you", False),
    ],
)
def test_equal_texts_ignore_form_space_and_case(left, right, equal):
    assert (normalise(left) == normalise(right)) is equal


def test_slot_order_is_a_permutation_that_the_seed_alone_decides():
    assert sorted(order_slots(7, 4)) == [0, 1, 2, 3]
    assert order_slots(7, 4) == order_slots(7, 4)


def test_every_draw_meets_every_slot_equally_often():
    seen = Counter(
        (slot, generated) for seed in range(4000) for slot, generated in enumerate(order_slots(seed, 4))
    )
    assert len(seen) == 16
    assert all(abs(count - 1000) < 120 for count in seen.values())  # 4.4 standard deviations of 27


@pytest.mark.parametrize(
    ("texts", "resampled_arm", "again"),
    [
        (("a", "b", "c", "d"), BASE, []),
        (("a", "b", "A ", "d"), BASE, [0]),
        (("a", "b", "A ", "d"), TUNED, [2]),
        (("a", "a", "c", "d"), TUNED, [1]),  # within one arm the later one, whatever the seed names
        (("a", "a", "c", "d"), BASE, [1]),
        (("a", "a", "a", "d"), TUNED, [1, 2]),
        (("a", "a", "a", "d"), BASE, [0, 1]),
        (("a", "b", "a", "b"), TUNED, [2, 3]),
        (("a", "a", "a", "a"), BASE, [0, 1, 3]),
    ],
)
def test_all_but_one_of_equal_texts_are_sampled_again(texts, resampled_arm, again):
    assert choose_resamples(two_and_two(*texts), resampled_arm) == again


@pytest.mark.parametrize(
    ("spoilt", "again"),
    [((2,), [2]), ((0,), [0, 3]), ((1, 2), []), ((0, 1, 2, 3), [])],
)
@pytest.mark.parametrize("reason", ["cut_off", "empty"])
def test_a_reply_that_came_out_cut_off_or_empty_is_drawn_again_unless_half_of_them_did(spoilt, again, reason):
    texts = ("a", "b", "c", "d") if 0 not in spoilt or len(spoilt) > 1 else ("a", "b", "c", "c")
    generated = [
        replace(reply, reason=reason) if index in spoilt else reply
        for index, reply in enumerate(two_and_two(*texts))
    ]
    assert choose_resamples(generated, TUNED) == again


def test_what_is_drawn_again_is_named_in_the_order_in_which_it_was_drawn():
    generated = two_and_two("a", "a", "c", "d")
    generated[3] = replace(generated[3], reason="cut_off")
    assert choose_resamples(generated, TUNED) == [1, 3]


def test_a_reply_that_is_thoughts_alone_is_not_drawn_again():
    """That is how the base replies, and no bad luck of one draw."""
    generated = [
        replace(reply, reason="thoughts" if index == 1 else None)
        for index, reply in enumerate(two_and_two("a", "b", "c", "d"))
    ]
    assert choose_resamples(generated, TUNED) == []


def test_a_missing_text_is_never_sampled_again():
    generated = [
        make_candidate(BASE, 0, None, "failed"),
        make_candidate(BASE, 1, None, "failed"),
        make_candidate(TUNED, 0, "a"),
        make_candidate(TUNED, 1, "b"),
    ]
    assert choose_resamples(generated, BASE) == []


def test_equal_texts_across_arms_become_one_candidate_of_both_in_the_first_slot():
    generated = two_and_two("a", "b", "A", "d")
    order = order_slots(11, 4)
    first, second = sorted((order.index(0), order.index(2)))
    placed = place(generated, 11)
    assert (placed[first].arm, placed[first].adapter, placed[first].state) == (BOTH, ADAPTER, "ready")
    assert (placed[second].state, placed[second].reason) == ("merged", f"slot {first}")
    assert sorted(p.state for p in placed) == ["merged", "ready", "ready", "ready"]


def test_equal_texts_within_an_arm_keep_the_arm():
    placed = place(two_and_two("a", "a", "c", "d"), 11)
    assert Counter((p.arm, p.state) for p in placed) == Counter(
        {(BASE, "ready"): 1, (BASE, "merged"): 1, (TUNED, "ready"): 2}
    )


def test_unavailable_texts_never_merge():
    generated = [replace(reply, reason="cut_off") for reply in two_and_two("a", "a", "a", "a")]
    assert [p.state for p in place(generated, 3)] == ["unavailable"] * 4


@pytest.mark.parametrize(
    "texts", [("a", "b", "c", "d"), ("a", "a", "c", "d"), ("a", "b", "a", "d"), ("a", "b", "a", "b")]
)
def test_exchanging_the_arms_changes_nothing_that_is_shown(texts):
    for seed in range(50):
        there, back = place(two_and_two(*texts), seed), place(exchange_arms(two_and_two(*texts)), seed)
        assert [(p.slot, p.text, p.state, p.reason) for p in there] == [
            (p.slot, p.text, p.state, p.reason) for p in back
        ]


def two_versions(*texts: str) -> list[GeneratedCandidate]:
    """Base, old, base, new."""
    sources = ((BASE, None, 0, 0), (TUNED, OLD, 1, 0), (BASE, None, 0, 1), (TUNED, NEW, 2, 0))
    return [
        GeneratedCandidate(*source, Reply(text, [1], "stop"))
        for source, text in zip(sources, texts, strict=True)
    ]


def exchange_versions(generated: list[GeneratedCandidate]) -> list[GeneratedCandidate]:
    other = {OLD: NEW, NEW: OLD, None: None}
    return [replace(reply, adapter=other[reply.adapter]) for reply in generated]


@pytest.mark.parametrize(
    ("texts", "arm", "versions"),
    [
        (("a", "b", "c", "b"), TUNED, {OLD, NEW}),  # the two versions agree
        (("b", "b", "c", "d"), BOTH, {OLD}),  # base agrees with the old one
        (("b", "c", "d", "b"), BOTH, {NEW}),
        (("b", "b", "c", "b"), BOTH, {OLD, NEW}),
        (("b", "c", "b", "d"), BASE, set()),
    ],
)
def test_the_versions_that_wrote_a_text_can_be_told_from_the_rows(texts, arm, versions):
    for seed in range(50):
        equal = [p for p in place(two_versions(*texts), seed) if p.text == "b"]
        first, *others = equal
        assert (first.state, first.arm) == ("ready", arm)
        assert {(p.state, p.reason) for p in others} == {("merged", f"slot {first.slot}")}
        assert {p.adapter for p in equal} - {None} == versions


@pytest.mark.parametrize("resampled_arm", [BASE, TUNED])
@pytest.mark.parametrize(
    "texts",
    [("a", "b", "c", "d"), ("a", "b", "c", "b"), ("b", "b", "c", "d"), ("b", "b", "c", "b"), ("b",) * 4],
)
def test_exchanging_two_versions_changes_nothing_that_is_shown_or_sampled_again(texts, resampled_arm):
    generated = two_versions(*texts)
    assert choose_resamples(generated, resampled_arm) == choose_resamples(
        exchange_versions(generated), resampled_arm
    )
    for seed in range(50):
        there, back = place(generated, seed), place(exchange_versions(generated), seed)
        assert [(p.slot, p.arm, p.text, p.state, p.reason) for p in there] == [
            (p.slot, p.arm, p.text, p.state, p.reason) for p in back
        ]
