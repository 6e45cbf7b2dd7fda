"""What the duels of an arm come to together: rounds add up, people count once, open duels prove nothing."""

from collections import Counter

import pytest

from feedback.duels.result import DuelTally, Result
from feedback.experiments.rollout_rule import RolloutPolicy
from feedback.rebase.evidence import choose_arm, list_duel_limits, read_limits
from feedback.store import duels
from feedback.store.engine import read, unit_of_work
from feedback.store.rebases import NEW_BASE, NEW_TUNED
from feedback.store.tables import Duel, Rebase
from tests.feedback.duels.duel_desk import ADAPTER
from tests.feedback.rebase.rebase_desk import compare, judge_all, put_rebase

POLICY = RolloutPolicy(min_e_better=5, min_picks=8, min_agents=2, confidence=0.9)


def make_result(*judges: str, **score: int) -> Result:
    each = {judge: DuelTally(**score) for judge in judges}
    return Result("new", "old", DuelTally(**score), 0, 0, Counter(), each, shared=0, agreed=0)


def list_values(*results: Result) -> dict[str, float | None]:
    return {limit.reason.code: limit.reason.value for limit in list_duel_limits(results, POLICY)}


def test_two_duels_of_an_arm_count_as_one_longer_one_and_who_judged_both_is_one_judge():
    both = make_result("eva", "fay", won=6, lost=1), make_result("fay", won=3, lost=2)
    assert (list_values(*both)["picks"], list_values(*both)["agents"]) == (12, 2)
    whole = list_values(make_result("eva", "fay", won=9, lost=3))
    assert list_values(*both) == whole


def test_ties_decide_nothing_and_draw_the_share_towards_one_half():
    # 10 won, 10 tied: a share of 0.75 of 20. Wilson's lower end at z = 1.2816:
    # (0.75 + 0.0411 - 1.2816 * sqrt(0.75 * 0.25 / 20 + 0.0411 / 40)) / 1.0821
    found = list_values(make_result("eva", won=10, tied=10))
    assert found["picks"] == 10
    assert found["share_low"] == pytest.approx(0.6102, abs=1e-3)


def test_a_duel_that_is_still_judged_proves_nothing_and_closed_ones_of_an_arm_add_up(sqlite_engine, tmp_path):
    rebase_id = put_rebase(sqlite_engine, tmp_path)

    def look():
        with read(sqlite_engine) as session:
            rebase = session.get_one(Rebase, rebase_id)
            return read_limits(session, rebase, POLICY, old=ADAPTER)

    tuned, base = compare(sqlite_engine, tmp_path, wanted=6, prompts=6)
    for duel in (tuned, base):
        judge_all(sqlite_engine, duel, ("eva", "fay"), lambda position: True)
    with unit_of_work(sqlite_engine) as session:
        session.get_one(Duel, base.id).state = duels.OPEN
    assert list(look()) == [NEW_TUNED]

    (again,) = (
        duel
        for duel in compare(sqlite_engine, tmp_path, wanted=6, prompts=6, more=True)
        if duel.arm == NEW_TUNED and duel.id != tuned.id
    )
    judge_all(sqlite_engine, again, ("eva", "fay"), lambda position: True)
    limits = look()
    assert {limit.reason.code: limit.reason.value for limit in limits[NEW_TUNED]}["picks"] == 12
    assert choose_arm(limits) == NEW_TUNED
    assert NEW_BASE not in limits
