"""Picks as records: the same picks as the support rate counts, and what was on each card."""

from collections import Counter
from math import log

import pytest

from feedback.experiments.picks import Card, derive_pick, derive_picks
from feedback.experiments.support import Support, count_judgements
from tests.feedback.records.examples import TEXTS, TUNED, judged, shown

OWN = "I shall ask my colleague and call you back on Monday."
MERGED = shown(
    texts=("Yes.", "Yes.", "No.", "Maybe."),
    arms=("both", "tuned", "tuned", "base"),
    states=("ready", "merged", "ready", "ready"),
)
UNEQUAL = shown(texts=("A.", "Yes.", "Yes.", "B."), states=("ready", "ready", "merged", "ready"))


@pytest.mark.parametrize(
    ("judgement", "on", "won", "slots"),
    [
        (judged("pick", 1), shown(), "tuned", (1,)),
        (judged("pick", 3), shown(), "base", (3,)),
        (judged("edit", 2, text=TEXTS[2] + " Thank you for waiting."), shown(), "tuned", (2,)),
        (judged("tie", 1, candidates=(1, 2)), shown(), "tuned", (1, 2)),
        (judged("tie", 0, candidates=(0, 1)), shown(), "both", (0, 1)),
        (judged("tie", 0, candidates=(0, 1, 2, 3)), shown(), "both", (0, 1, 2, 3)),
        (judged("pick", 0), MERGED, "both", (0,)),
        (judged("pick", 2), MERGED, "tuned", (2,)),  # slots are those of the screen, not of what is left
        (judged("pick", 3), MERGED, "base", (3,)),
    ],
)
def test_what_won_and_where(judgement, on, won, slots):
    pick = derive_pick(judgement, on)
    assert (pick.won, pick.slots, pick.agent, pick.adapter) == (won, slots, "ann", TUNED)


EVERY_CASE = [
    (judgement, on)
    for on in (shown(), MERGED, UNEQUAL, shown(design="4+0"), shown(revealed=False))
    for judgement in (
        judged("pick", 0),
        judged("pick", 3),
        judged("edit", 0, text=OWN),
        judged("tie", 0, candidates=(0, 3)),
        judged("tie", 0, candidates=tuple(reply.slot for reply in on.replies if reply.state == "ready")),
        judged("own", text=OWN),
        judged("none"),
        judged("skip"),
        judged("pick", 0, undone=True),
        judged("pick", 0, unblinded=True),
    )
]


@pytest.mark.parametrize(("judgement", "on"), EVERY_CASE)
def test_a_record_exists_for_exactly_what_the_support_rate_counts(judgement, on):
    support = Support(TUNED)
    count_judgements(support, [(judgement, on)])
    pick = derive_pick(judgement, on)
    won = None if pick is None else pick.won
    assert (won == "tuned", won == "base", won == "both") == (
        support.tuned == 1,
        support.base == 1,
        support.halves == 1,
    )


def test_cards_by_hand():
    texts = (
        "Do this:\n- open the box\n- press **start**\n1. wait",
        "# Steps\nSee [our page](https://x.example) and `reset`.",
        "- 2 is less than 3 - really",
        "订单：\n1、打开 \n• 等待",
    )
    cards = derive_pick(judged("pick", 0), shown(texts=texts)).cards
    assert cards == (
        Card(0, "base", len(texts[0]), 3, 1),
        Card(1, "tuned", len(texts[1]), 0, 3),
        Card(2, "tuned", len(texts[2]), 1, 0),
        Card(3, "base", len(texts[3]), 1, 0),
    )


def test_the_length_difference_is_between_means_of_logs():
    pick = derive_pick(judged("pick", 0), shown(texts=("aa", "bbbb", "cccccccc", "d")))
    assert pick.length_difference == pytest.approx((log(4) + log(8)) / 2 - (log(2) + log(1)) / 2)
    merged = derive_pick(judged("pick", 2), MERGED)  # "Yes." is a text of both arms
    assert merged.length_difference == pytest.approx((log(4) + log(3)) / 2 - (log(4) + log(6)) / 2)


def test_intent_is_a_tag_of_its_form():
    on = shown(tags=("vip", "intent:refund", "intent:other"), language="zh")
    pick = derive_pick(judged("pick", 0), on)
    assert (pick.intent, pick.language, pick.tags) == (
        "refund",
        "zh",
        ("vip", "intent:refund", "intent:other"),
    )
    assert derive_pick(judged("pick", 0), shown()).intent is None


def test_experience_is_what_an_agent_closed_before_on_any_set():
    other = shown(design="4+0", adapter=None)
    story = [
        (judged("pick", 0, id="1"), other),
        (judged("pick", 0, id="2"), shown()),
        (judged("none", id="3"), shown()),
        (judged("pick", 0, id="4", undone=True), shown()),
        (judged("own", text=OWN, id="5"), shown()),
        (judged("pick", 0, id="6", agent="ben"), shown()),
        (judged("pick", 1, id="7"), shown()),
    ]
    picks = list(derive_picks(story, Counter()))
    assert [(pick.judgement, pick.experience) for pick in picks] == [("2", 1), ("6", 0), ("7", 3)]
    assert list(derive_picks(story, Counter(), adapter="tuned-20991231-1")) == []
