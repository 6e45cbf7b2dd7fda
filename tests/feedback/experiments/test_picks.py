"""Picks as records: the same picks as the support rate counts, and what was on each card."""

from math import log

import pytest

from feedback.experiments.picks import read_picks
from feedback.records.cards import Card
from tests.feedback.desk import ARMS
from tests.feedback.experiments.meanings import pick_of
from tests.feedback.experiments.stores import give_prompts
from tests.feedback.records.examples import TEXTS, TUNED, judged, shown

ADAPTER = "tuned-20261122-1"  # of the sets that the desk puts
OWN = "I shall ask my colleague and call you back on Monday."
MERGED = shown(
    texts=("Yes.", "Yes.", "No.", "Maybe."),
    arms=("both", "tuned", "tuned", "base"),
    states=("ready", "merged", "ready", "ready"),
)


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
    pick = pick_of(judgement, on)
    assert (pick.won, pick.slots, pick.agent, pick.adapter) == (won, slots, "ann", TUNED)


def test_cards_by_hand():
    texts = (
        "Do this:\n- open the box\n- press **start**\n1. wait",
        "# Steps\nSee [our page](https://x.example) and `reset`.",
        "- 2 is less than 3 - really",
        "订单：\n1、打开 \n• 等待",
    )
    cards = pick_of(judged("pick", 0), shown(texts=texts)).cards
    assert cards == (
        Card(0, "base", len(texts[0]), 3, 1, is_picked=True),
        Card(1, "tuned", len(texts[1]), 0, 3),
        Card(2, "tuned", len(texts[2]), 1, 0),
        Card(3, "base", len(texts[3]), 1, 0),
    )


def test_the_length_difference_is_between_means_of_logs():
    pick = pick_of(judged("pick", 0), shown(texts=("aa", "bbbb", "cccccccc", "d")))
    assert pick.length_difference == pytest.approx((log(4) + log(8)) / 2 - (log(2) + log(1)) / 2)
    merged = pick_of(judged("pick", 2), MERGED)  # "Yes." is a text of both arms
    assert merged.length_difference == pytest.approx((log(4) + log(3)) / 2 - (log(4) + log(6)) / 2)


def test_intent_is_a_tag_of_its_form():
    on = shown(tags=("vip", "intent:refund", "intent:other"), language="zh")
    pick = pick_of(judged("pick", 0), on)
    assert (pick.intent, pick.language, pick.tags) == (
        "refund",
        "zh",
        ("vip", "intent:refund", "intent:other"),
    )
    assert pick_of(judged("pick", 0), shown()).intent is None


def test_experience_is_what_an_agent_closed_before_on_any_set(desk):
    """A pick on a set of base alone and an own text count; a none, an undone pick, colleagues' do not."""

    def judge(kind, role="agent", arms=ARMS, **body):
        desk.clock.advance(1)
        shown = desk.open_ready(arms=arms)[1]
        candidate = {"candidate_id": shown["candidates"][0]["candidate_id"]} if kind == "pick" else {}
        answer = desk.judge(shown, kind, role, **candidate, **body)
        assert answer.status_code == 201
        return answer.json["judgement_id"]

    judge("pick", arms=("base",) * 4)
    first = judge("pick")
    judge("none")
    desk.post(f"/v1/judgements/{judge('pick')}/undo", "agent")
    judge("own", text=OWN)
    of_ben, last = judge("pick", "ben"), judge("pick")
    give_prompts(desk)
    found = read_picks(desk.engine, ADAPTER, with_experience=True)
    assert [(pick.judgement, pick.experience) for pick in found] == [(first, 1), (of_ben, 0), (last, 3)]
    assert list(read_picks(desk.engine, "tuned-20991231-1")) == []
