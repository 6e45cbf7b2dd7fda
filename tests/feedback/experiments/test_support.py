"""Which sets count for the support rate, and for whom: one case for each rule."""

import pytest

from feedback.experiments.harm_test import weigh_harm
from feedback.experiments.sequential_tests import e_harm
from feedback.experiments.support import support_of, tally_support
from feedback.experiments.tally import Tally
from feedback.store.engine import read
from feedback.store.record_counts import AgentMeaning
from tests.feedback.experiments.meanings import mean
from tests.feedback.experiments.stores import give_prompts
from tests.feedback.records.examples import TEXTS, TUNED, judged, shown

ADAPTER = "tuned-20261122-1"  # of the sets that the desk puts
MERGED = shown(
    texts=("Yes.", "Yes.", "No.", "Maybe."),
    arms=("both", "tuned", "tuned", "base"),
    states=("ready", "merged", "ready", "ready"),
)


def count(judgement, on=None):
    return tally_support(TUNED, {AgentMeaning("ann", mean(judgement, on or shown())): 1})


@pytest.mark.parametrize(
    ("judgement", "tuned", "base", "tied"),
    [
        (judged("pick", 1), 1, 0, 0),
        (judged("pick", 0), 0, 1, 0),
        (judged("edit", 2, text=TEXTS[2] + " Thank you for waiting."), 1, 0, 0),
        (judged("edit", 3, text="Please read the terms on our page, Alice."), 0, 1, 0),
        (judged("tie", 1, candidates=(1, 2)), 1, 0, 0),
        (judged("tie", 0, candidates=(0, 3)), 0, 1, 0),
        (judged("tie", 0, candidates=(0, 1)), 0, 0, 1),
        (judged("tie", 0, candidates=(0, 1, 2, 3)), 0, 0, 1),
    ],
)
def test_counted_judgements(judgement, tuned, base, tied):
    support = count(judgement)
    assert support.tally == Tally(tuned, base, tied)
    assert support.tally.counted == 1 and support.tally.decided == tuned + base


def test_a_merged_candidate_gives_half_to_the_rate_and_nothing_to_a_decision():
    support = count(judged("pick", 0), MERGED)
    assert (support.tally.rate, support.tally.counted, support.tally.decided) == (0.5, 1, 0)
    assert count(judged("pick", 2), MERGED).tally.won == 1
    assert count(judged("pick", 3), MERGED).tally.lost == 1


@pytest.mark.parametrize(
    ("judgement", "name"),
    [
        (judged("own", text="I shall ask my colleague and call you back on Monday."), "own"),
        (judged("edit", 1, text="I shall ask my colleague and call you back on Monday."), "own"),
        (judged("none"), "none"),
        (judged("skip"), "skip"),
        (judged("pick", 1, undone=True), "undone"),
        (judged("pick", 1, unblinded=True), "unblinded"),
    ],
)
def test_what_is_no_pick_is_a_share_of_its_own(judgement, name):
    support = count(judgement)
    assert support.tally.counted == 0 and support.tally.rate is None and support.tally.grade is None
    assert support.shares == {
        key: float(key == name) for key in ("own", "none", "skip", "undone", "unblinded")
    }


@pytest.mark.parametrize(
    ("on", "reason"),
    [
        (shown(design="4+0"), "other_design"),
        (shown(design="2+1+1"), "two_versions"),
        (shown(states=("ready", "ready", "ready", "unavailable")), "reply_unavailable"),
        (
            shown(texts=("A.", "Yes.", "Yes.", "B."), states=("ready", "ready", "merged", "ready")),
            "unequal_texts",
        ),
    ],
)
def test_sets_that_cannot_compare_the_arms_are_left_out(on, reason):
    support = count(judged("pick", 0), on)
    assert support.tally.counted == 0 and dict(support.left_out) == {reason: 1}
    assert support.repeated == (reason == "unequal_texts")


@pytest.mark.parametrize("kind", ["none", "skip"])
def test_sets_of_two_versions_are_left_out_whole(kind):
    support = count(judged(kind), shown(design="2+1+1"))
    assert support.judgements == 0 and dict(support.left_out) == {"two_versions": 1}
    assert not any(support.shares.values())


def test_the_rate_its_interval_and_grade_by_hand():
    picks = [(judged("pick", 1), 15), (judged("pick", 0), 4), (judged("tie", 0, candidates=(0, 1)), 2)]
    support = tally_support(TUNED, {AgentMeaning("ann", mean(pick, shown())): count for pick, count in picks})
    assert support.tally.rate == 16 / 21
    assert support.tally.interval == pytest.approx((0.5491, 0.8937), abs=5e-4)
    assert support.tally.grade == "success"
    assert support.tally.e_better == pytest.approx(3.578, abs=0.001) and support.e_harm == 0.0
    assert not support.harmed


def test_harm_is_proven_by_agents_not_by_one():
    """12 of 48 picks, by the same agent or by four."""
    meanings = [(mean(judged("pick", 1), shown()), 3), (mean(judged("pick", 0), shown()), 9)]
    four = tally_support(TUNED, {AgentMeaning(name, each): n for name in "abcd" for each, n in meanings})
    one = tally_support(TUNED, {AgentMeaning("a", each): 4 * n for each, n in meanings})
    assert four.tally == one.tally == Tally(12, 36) and (four.agents, one.agents) == (4, 1)
    assert four.e_harm == weigh_harm([(3, 12)] * 4) >= 20 and four.harmed and four.tally.grade == "harmed"
    assert one.e_harm == weigh_harm([(12, 48)]) < 20 and not one.harmed
    assert e_harm(12, 48) > 20  # as if every pick were another agent's


def test_erased_agents_are_one():
    picks = {AgentMeaning(None, mean(judged("pick", index), shown())): 5 for index in (0, 1)}
    support = tally_support(TUNED, picks)
    assert (support.tally.won, support.tally.lost, support.agents) == (5, 5, 1)


def test_support_is_read_from_what_agents_did(desk):
    """Two picks of tuned, one of base, one none, one undone; the same through the store as through the
    rules. Picks whose reply can still be taken back do not count: they would tell the arms of an open set.
    """
    for index in (1, 3, 0):
        assert desk.pick(desk.open_ready()[1], index).status_code == 201
    with read(desk.engine) as session:
        assert support_of(session, ADAPTER).judgements == 0
    desk.clock.advance(60)
    desk.judge(desk.open_ready()[1], "none")
    undone = desk.pick(desk.open_ready()[1], 1)
    assert desk.post(f"/v1/judgements/{undone.json['judgement_id']}/undo", "agent").status_code == 201
    give_prompts(desk)
    with read(desk.engine) as session:
        support = support_of(session, ADAPTER)
        other = support_of(session, "tuned-20991231-1")
    assert (support.tally.won, support.tally.lost, support.judgements) == (2, 1, 5)
    assert support.shares == {"own": 0.0, "none": 0.2, "skip": 0.0, "undone": 0.2, "unblinded": 0.0}
    assert other.judgements == 0 and other.tally.rate is None
    assert support.to_json()["rate"] == pytest.approx(2 / 3)
