"""A switch needs the evidence that the policy asks for, waits for a start on that base; the way back."""

import math
from dataclasses import replace

import pytest

from feedback.deployment.deploy import roll_back_adapter
from feedback.deployment.policy import ApprovalPolicy, Policy
from feedback.errors import ApprovalMissing
from feedback.experiments.rollout_rule import RolloutPolicy
from feedback.rebase import switch
from feedback.rebase.evidence import NotProven, read_limits
from feedback.rebase.follow import cancel_rebase
from feedback.rebase.switch import return_base, switch_base, take_up_base
from feedback.store import adapters, duels
from feedback.store.deployments import ServingState, serving_state
from feedback.store.engine import read
from feedback.store.rebases import NEW_BASE, NEW_TUNED, NoRebase
from feedback.store.tables import Duel, Rebase
from tests.feedback.builders import BASE_ID, DESK, NOW
from tests.feedback.duels.duel_desk import ADAPTER
from tests.feedback.plant import build
from tests.feedback.rebase.rebase_desk import NEW, NEW_BASE_ID, compare, judge_all, put_rebase

POLICY = Policy(
    exposure=RolloutPolicy(min_e_better=5, min_picks=8, min_agents=2, confidence=0.9),
    approval=ApprovalPolicy(second_person=False),
)
JUDGES = ("eva", "fay")


@pytest.fixture
def ctx(store_engine, fake_engine, fake_fleet, tmp_path):
    return replace(build(store_engine, fake_engine, tmp_path, fake_fleet).ctx, policy=POLICY)


@pytest.fixture
def start_on(ctx, monkeypatch):
    """`rejoinder up` with the base of this id."""

    def start(base_id: str) -> str | None:
        monkeypatch.setattr(switch, "read_base_id", lambda _: base_id)
        return take_up_base(ctx)

    return start


def find_rebase(ctx, rebase_id) -> Rebase:
    with read(ctx.store_engine) as session:
        return session.get_one(Rebase, rebase_id)


def see(ctx) -> ServingState:
    with read(ctx.store_engine) as session:
        return serving_state(session, desk_id=DESK)


def find_adapter_state(ctx, name) -> str:
    with read(ctx.store_engine) as session:
        return adapters.get_adapter(session, desk_id=DESK, name=name).state


def prove(ctx, *, tuned=lambda position: True, base=lambda position: True, judges=JUDGES) -> None:
    """12 rounds of each arm, judged."""
    found = compare(ctx.store_engine, ctx.data_dir, wanted=12, prompts=12)
    for duel, says_new in zip(found, (tuned, base), strict=True):
        judge_all(ctx.store_engine, duel, judges, says_new)


def test_without_a_closed_comparison_nothing_switches(ctx):
    rebase_id = put_rebase(ctx.store_engine, ctx.data_dir)
    with pytest.raises(NotProven, match="no comparison is closed"):
        switch_base(ctx, actor="ann", reason="hope")
    assert find_rebase(ctx, rebase_id).state == "open"


def test_the_limits_are_those_of_the_policy_on_rounds_and_judges(ctx):
    rebase_id = put_rebase(ctx.store_engine, ctx.data_dir)
    prove(ctx, tuned=lambda position: position <= 6, judges=("eva",))
    with read(ctx.store_engine) as session:
        row = session.get_one(Rebase, rebase_id)
        limits = read_limits(session, row, POLICY.exposure, old=ADAPTER)
        assert read_limits(session, row, POLICY.exposure, old=None) == {}  # judged against another one
    told = {arm: {one.reason.code: one.reason.value for one in each} for arm, each in limits.items()}
    assert list(told) == [NEW_TUNED, NEW_BASE]
    assert told[NEW_TUNED] | {"share_low": 0} == {"picks": 12, "agents": 1, "e_value": 0, "share_low": 0}
    # 12 of 12: 2^12 B(22, 10) / B(10, 10)
    ratio = math.exp(math.lgamma(22) + math.lgamma(20) - math.lgamma(32) - math.lgamma(10))
    assert told[NEW_BASE]["e_value"] == pytest.approx(2**12 * ratio, rel=1e-3)
    # Wilson's lower end of 12 of 12 at z = 1.2816: 12 / (12 + z^2)
    assert told[NEW_BASE]["share_low"] == pytest.approx(12 / (12 + 1.2816**2), abs=1e-3)
    with pytest.raises(NotProven, match=r"new_base: rounds that decide 12 \(limit 8\), judges 1 \(limit 2\)"):
        switch_base(ctx, actor="ann", reason="hope")


def test_a_proven_adapter_serves_from_the_start_on_its_base_on_and_the_way_back_restores_what_served(
    ctx, start_on
):
    rebase_id = put_rebase(ctx.store_engine, ctx.data_dir)
    prove(ctx)
    assert switch_base(ctx, actor="ann", reason="proven").arm == NEW_TUNED
    assert "does not serve" in start_on(BASE_ID)  # the settings still name the old base
    assert see(ctx) == ServingState(fencing_token=1, live=ADAPTER)

    assert start_on(NEW_BASE_ID) == f"switched to /models/new; {NEW} serves"
    assert (see(ctx).live, see(ctx).canary) == (NEW, None)
    assert (find_adapter_state(ctx, ADAPTER), find_adapter_state(ctx, NEW)) == ("retired", "live")
    assert find_rebase(ctx, rebase_id).state == "switched"
    assert start_on(NEW_BASE_ID) is None

    return_base(ctx, actor="ann", reason="customers complain")
    assert start_on(BASE_ID) == f"returned to /models/old; {ADAPTER} serves"
    assert (see(ctx).live, find_adapter_state(ctx, ADAPTER), find_adapter_state(ctx, NEW)) == (
        ADAPTER,
        "live",
        "retired",
    )
    assert find_rebase(ctx, rebase_id).state == "returned"


def test_a_rollback_after_the_switch_stays_on_the_new_base(ctx, start_on):
    put_rebase(ctx.store_engine, ctx.data_dir)
    prove(ctx)
    switch_base(ctx, actor="ann", reason="proven")
    start_on(NEW_BASE_ID)
    assert roll_back_adapter(ctx, actor="ann", reason="rude").to is None


def test_where_the_base_alone_is_proven_it_serves_alone(ctx, start_on):
    put_rebase(ctx.store_engine, ctx.data_dir, role="canary")
    prove(ctx, tuned=lambda position: False)
    assert switch_base(ctx, actor="ann", reason="proven").arm == NEW_BASE
    assert start_on(NEW_BASE_ID) == "switched to /models/new; the base alone serves"
    assert see(ctx).named == frozenset()
    return_base(ctx, actor="ann", reason="slow")
    start_on(BASE_ID)
    assert (see(ctx).canary, see(ctx).live) == (ADAPTER, None)


def test_going_live_by_a_switch_needs_the_second_person_too(ctx):
    rebase_id = put_rebase(ctx.store_engine, ctx.data_dir)
    prove(ctx)
    strict = replace(ctx, policy=POLICY.model_copy(update={"approval": ApprovalPolicy(second_person=True)}))
    with pytest.raises(ApprovalMissing):
        switch_base(strict, actor="ann", reason="proven")
    assert find_rebase(ctx, rebase_id).state == "open"


def test_a_switch_that_no_start_has_taken_up_is_given_up_with_its_duels(ctx, start_on):
    rebase_id = put_rebase(ctx.store_engine, ctx.data_dir)
    found = compare(ctx.store_engine, ctx.data_dir, wanted=12, prompts=12)
    judge_all(ctx.store_engine, found[0], JUDGES, lambda position: True)
    switch_base(ctx, actor="ann", reason="proven")
    cancel_rebase(ctx.store_engine, actor="ann", reason="not now", desk_id=DESK, now=NOW)
    assert find_rebase(ctx, rebase_id).state == "cancelled"
    with read(ctx.store_engine) as session:
        assert session.get_one(Duel, found[1].id).state == duels.CLOSED
    assert start_on(NEW_BASE_ID) is None
    assert see(ctx) == ServingState(fencing_token=1, live=ADAPTER)
    with pytest.raises(NoRebase):
        return_base(ctx, actor="ann", reason="back")
