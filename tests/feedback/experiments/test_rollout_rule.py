"""The decision, one case for each way it can go."""

import subprocess
import sys
from dataclasses import replace

import pytest

from feedback.experiments.rollout_rule import Evidence, RolloutPolicy, decide_rollout
from feedback.experiments.sequential_tests import e_better
from feedback.experiments.tally import Tally

POLICY = RolloutPolicy()
WON = Evidence(
    "tuned-20261122-1", tally=Tally(140, 60), agents=6, share_low=0.61, adjusted=0.68, adjusted_low=0.58
)


def codes(rollout):
    return [reason.code for reason in rollout.reasons]


def test_nothing_known_is_held():
    rollout = decide_rollout(Evidence("tuned-20261122-1", Tally()), POLICY)
    assert (rollout.verdict, rollout.picks_needed) == ("hold", None)
    assert codes(rollout) == ["picks", "agents", "e_value", "share_low", "adjusted_low"]
    assert all(reason.text and reason.limit > 0 for reason in rollout.reasons)


def test_a_win_on_all_counts_goes_live():
    rollout = decide_rollout(WON, POLICY)
    assert (rollout.verdict, rollout.picks_needed) == ("go_live", 0)
    assert codes(rollout) == ["picks", "agents", "e_value", "share_low", "adjusted_low"]
    assert rollout.to_json()["reasons"][3] == {
        "code": "share_low",
        "text": "lower bound of the share, clustered by agent",
        "value": 0.61,
        "limit": 0.5,
    }


@pytest.mark.parametrize(
    ("change", "missing", "needed"),
    [
        ({"tally": Tally(70, 29)}, ["picks"], 1),
        ({"tally": Tally(40, 10)}, ["picks"], 50),
        ({"agents": 2}, ["agents"], 0),
        ({"tally": Tally(110, 90)}, ["e_value"], 814),
        ({"share_low": 0.5}, ["share_low"], 0),
        ({"share_low": None}, ["share_low"], 0),
        ({"share_low": 0.4999}, ["share_low"], 0),
        ({"adjusted_low": 0.42}, ["adjusted_low"], 0),
        ({"adjusted_low": None}, ["adjusted_low"], 0),
        ({"tally": Tally(100, 100)}, ["e_value"], None),
        ({"tally": Tally(95, 105)}, ["e_value"], None),
        (
            {"tally": Tally(30, 20), "agents": 2, "share_low": 0.2},
            ["picks", "agents", "e_value", "share_low"],
            180,
        ),
    ],
)
def test_whatever_is_missing_holds_and_is_named(change, missing, needed):
    rollout = decide_rollout(replace(WON, **change), POLICY)
    assert (rollout.verdict, codes(rollout), rollout.picks_needed) == ("hold", missing, needed)


def test_the_forecast_keeps_its_word():
    held = decide_rollout(replace(WON, tally=Tally(120, 80)), POLICY)
    assert held.verdict == "hold" and held.picks_needed == 30
    later = replace(WON, tally=Tally(138, 92))
    assert decide_rollout(later, POLICY).verdict == "go_live"


def test_a_forecast_ends_where_patience_does():
    """412 picks at 50.2 % would need 133,718 more, and the adapter leaves after 1,500."""
    assert decide_rollout(replace(WON, tally=Tally(207, 205)), POLICY).picks_needed is None
    # 30 more picks that decide are 50 more counted ones, where two of five are shared.
    held = replace(WON, tally=Tally(120, 80, 133))
    assert decide_rollout(held, RolloutPolicy(retire_after=383)).picks_needed == 30
    assert decide_rollout(held, RolloutPolicy(retire_after=382)).picks_needed is None


@pytest.mark.parametrize("agents", [1, 6])
def test_proven_harm_comes_before_everything(agents):
    harmed = replace(WON, e_harm=20.0, agents=agents, tally=Tally(140, 60, 2000))
    rollout = decide_rollout(harmed, POLICY)
    assert (rollout.verdict, codes(rollout)) == ("roll_back", ["harm_proven"])
    assert rollout.reasons[0].value == 20 == rollout.reasons[0].limit
    assert decide_rollout(replace(harmed, e_harm=19.99, agents=6), POLICY).verdict == "go_live"


@pytest.mark.parametrize(("halves", "verdict"), [(699, "hold"), (700, "retire")])
def test_patience_ends_after_the_counted_picks_halves_included(halves, verdict):
    undecided = replace(WON, tally=Tally(410, 390, halves))
    rollout = decide_rollout(undecided, POLICY)
    assert rollout.verdict == verdict
    assert codes(rollout) == (["undecided", "e_value"] if verdict == "retire" else ["e_value"])


def test_a_win_at_the_last_moment_still_counts():
    assert decide_rollout(replace(WON, tally=Tally(900, 600)), POLICY).verdict == "go_live"


def test_evidence_is_kept_under_the_names_of_the_arms():
    kept = Evidence("tuned-20261122-1", Tally(30, 6, 4), agents=3, e_harm=0.5, share_low=0.4).to_json()
    assert kept.pop("e_better") == pytest.approx(e_better(30, 36))
    assert kept == {
        "adapter": "tuned-20261122-1",
        "tuned": 30,
        "base": 6,
        "halves": 4,
        "agents": 3,
        "e_harm": 0.5,
        "share_low": 0.4,
        "adjusted": None,
        "adjusted_low": None,
    }


def test_the_limits_are_those_of_the_policy():
    strict = RolloutPolicy(
        min_picks=201, min_agents=7, min_e_better=1e9, min_share_low=0.62, min_adjusted_low=0.6
    )
    assert codes(decide_rollout(WON, strict)) == ["picks", "agents", "e_value", "share_low", "adjusted_low"]
    assert decide_rollout(WON, RolloutPolicy(retire_after=10)).verdict == "go_live"
    assert decide_rollout(replace(WON, e_harm=0.3), RolloutPolicy(max_e_harm=0.3)).verdict == "roll_back"


def test_the_web_and_the_decision_load_no_scipy():
    code = """
import sys
import feedback.app, feedback.experiments.rollout_rule, feedback.experiments.picks
sys.exit("scipy" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
