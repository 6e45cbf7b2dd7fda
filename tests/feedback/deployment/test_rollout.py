"""The ramp on rows of a store: canary, live, retired or rolled back on what people picked, under a policy."""

from dataclasses import replace

import pytest

from feedback.deployment import deploy, rollout
from feedback.deployment.policy import ApprovalPolicy, CanaryPolicy, Policy, load_policy
from feedback.errors import StaleLease
from feedback.experiments.rollout_rule import Reason, Rollout, RolloutPolicy
from feedback.experiments.sequential_tests import e_value
from feedback.store import adapters, deployments, rollout_decisions, runs
from feedback.store.approvals import Words
from feedback.store.deployments import ServingState
from feedback.store.engine import read, unit_of_work
from feedback.store.runs import RunToken
from feedback.store.tables import Approval
from feedback.suggestions.routing import adapter_for
from serving.settings import DEMO_BASE
from tests.feedback.builders import DESK, NOW
from tests.feedback.pick_rows import add_picks
from tests.feedback.plant import ONE, TWO, build

OPEN = Policy(
    name="open",
    exposure=RolloutPolicy(retire_after=300),
    canary=CanaryPolicy(share=0.25, go_live=True),
    approval=ApprovalPolicy(second_person=False),
)


@pytest.fixture
def plant(store_engine, fake_engine, fake_fleet, tmp_path):
    """On each database: ONE is the canary of a quarter of the conversations."""
    plant = build(store_engine, fake_engine, tmp_path, fake_fleet)
    plant.ctx = replace(plant.ctx, policy=OPEN)
    plant.add(ONE, TWO)
    plant.publish(ONE, share=0.25)
    return plant


def analyse_and_apply(plant, actor="scheduler", **fields):
    found = rollout.evaluate_canary(plant.ctx, actor=actor, **fields)
    rollout.apply_decision(plant.ctx, found, actor=actor, **fields)
    return found


def decisions(plant, name=ONE):
    with read(plant.ctx.store_engine) as session:
        return [
            (row.verdict, [reason["code"] for reason in row.reasons])
            for row in rollout_decisions.list_decisions(session, desk_id=DESK, adapter=name)
        ]


def say(plant, kind, actor="eva", name=ONE):
    with unit_of_work(plant.ctx.store_engine) as session:
        session.add(Approval(desk_id=DESK, adapter=name, actor=actor, kind=kind, reason="seen it", at=NOW))


def test_a_proven_canary_goes_live_and_the_decision_can_be_read_again(plant):
    add_picks(plant.ctx.store_engine, ONE, tuned=28, base=12, at=NOW)  # 112 of 160
    found = analyse_and_apply(plant)
    assert found.rollout.verdict == "go_live"
    assert plant.state == ServingState(fencing_token=3, live=ONE)
    assert (plant.state_of(ONE), plant.loaded) == ("live", {ONE})
    with read(plant.ctx.store_engine) as session:
        row = rollout_decisions.find_latest_rollout_decision(session, desk_id=DESK, adapter=ONE)
        event = adapters.list_events(session, name=ONE)[-1]
    assert (row.verdict, row.picks_needed, row.actor, row.at) == ("go_live", 0, "scheduler", NOW)
    assert (row.evidence["tuned"], row.evidence["base"], row.evidence["agents"]) == (112, 48, 4)
    assert 0.5 < row.evidence["share_low"] < 0.7 and 0.5 < row.evidence["adjusted_low"] < 0.7
    assert [(r["code"], r["value"], r["limit"]) for r in row.reasons[:2]] == [
        ("picks", 160, 100),
        ("agents", 4, 4),
    ]
    assert (row.policy, row.policy_sha256) == ("open", OPEN.sha256)
    said = "It goes live by the evidence, on 112 of 160 picks: picks that decide 160 (limit 100); "
    assert event.reason.startswith(said)


def test_an_undecided_canary_stays_and_says_how_many_picks_are_missing(plant):
    add_picks(plant.ctx.store_engine, ONE, tuned=6, base=4, at=NOW)  # 24 of 40
    found = analyse_and_apply(plant)
    assert plant.state == ServingState(fencing_token=1, canary=ONE, share=0.25)
    assert decisions(plant)[0][0] == "hold" and "picks" in decisions(plant)[0][1]
    with read(plant.ctx.store_engine) as session:
        row = rollout_decisions.find_latest_rollout_decision(session, desk_id=DESK, adapter=ONE)
    assert row.picks_needed == found.rollout.picks_needed
    # 60 % of 40 + m picks: the e-value of 24 + 0.6 m of them first reaches 20 there.
    needed = row.picks_needed
    assert e_value(24 + 0.6 * needed, 40 + needed) >= 20 > e_value(24 + 0.6 * (needed - 1), 39 + needed)


def test_a_canary_that_is_undecided_for_too_long_retires_and_nothing_takes_its_place(plant):
    plant.ctx = replace(
        plant.ctx, policy=OPEN.model_copy(update={"exposure": RolloutPolicy(retire_after=80)})
    )
    add_picks(plant.ctx.store_engine, ONE, tuned=10, base=10, at=NOW)  # 40 of 80
    analyse_and_apply(plant)
    assert plant.state == ServingState(fencing_token=2)
    assert (plant.state_of(ONE), plant.loaded) == ("retired", set())
    assert decisions(plant)[0][0] == "retire" and decisions(plant)[0][1][0] == "undecided"
    look_again = rollout.evaluate_canary(plant.ctx, actor="scheduler")
    assert look_again is None and len(decisions(plant)) == 1


def test_a_conversation_keeps_its_side_until_the_canary_is_for_all(plant):
    names = [f"conversation-{number}" for number in range(400)]

    def sees_canary():
        return {name for name in names if adapter_for(plant.state, name) == ONE}

    before = sees_canary()
    assert 65 <= len(before) <= 135  # a quarter of 400 is 100, with a deviation of 8.7
    add_picks(plant.ctx.store_engine, ONE, tuned=6, base=4, at=NOW)
    analyse_and_apply(plant)
    assert sees_canary() == before
    add_picks(plant.ctx.store_engine, ONE, tuned=24, base=6, at=NOW)  # 120 of 160 in all
    analyse_and_apply(plant)
    assert sees_canary() == set(names)


def test_a_newer_canary_takes_the_place_of_a_waiting_one(plant):
    plant.publish(TWO, share=0.25)
    assert (plant.state.canary, plant.state_of(ONE)) == (TWO, "retired")


def test_a_harmful_canary_is_taken_out_by_the_analysis_of_the_minute(plant):
    assert rollout.take_out_harmful(plant.ctx, actor="scheduler") == [] and decisions(plant) == []
    add_picks(plant.ctx.store_engine, ONE, tuned=3, base=9, at=NOW)  # 12 of 48
    assert rollout.take_out_harmful(plant.ctx, actor="scheduler") == [ONE]
    assert (plant.state.canary, plant.state_of(ONE), plant.loaded) == (None, "rolled_back", set())
    assert decisions(plant) == [("roll_back", ["harm_proven"])]
    assert rollout.take_out_harmful(plant.ctx, actor="scheduler") == []


def test_one_agent_who_dislikes_a_canary_is_no_proof_of_harm(plant):
    """12 of 48 again, all of one agent; twice as many are no more. Six further agents are."""
    for _ in range(2):
        add_picks(plant.ctx.store_engine, ONE, tuned=12, base=36, at=NOW, agents=("ann",))
        assert rollout.take_out_harmful(plant.ctx, actor="scheduler") == []
    add_picks(plant.ctx.store_engine, ONE, tuned=3, base=9, at=NOW, agents=tuple("bcdefg"))
    assert rollout.take_out_harmful(plant.ctx, actor="scheduler") == [ONE]
    with read(plant.ctx.store_engine) as session:
        row = rollout_decisions.find_latest_rollout_decision(session, desk_id=DESK, adapter=ONE)
    assert (row.evidence["tuned"], row.evidence["base"], row.evidence["agents"]) == (42, 126, 7)
    assert row.reasons[0]["value"] == round(row.evidence["e_harm"], 4) >= 20


def test_one_agent_who_takes_a_canary_in_one_of_ten_is_enough(plant):
    add_picks(plant.ctx.store_engine, ONE, tuned=3, base=27, at=NOW, agents=("ann",))
    assert rollout.take_out_harmful(plant.ctx, actor="scheduler") == [ONE]


def test_a_harmful_live_adapter_leaves_also_while_another_one_is_on_trial(plant):
    plant.promote(ONE)
    plant.publish(TWO, share=0.25)
    add_picks(plant.ctx.store_engine, ONE, tuned=3, base=9, at=NOW)
    assert rollout.take_out_harmful(plant.ctx, actor="scheduler") == [ONE]
    assert (plant.state.live, plant.state.canary) == (None, TWO)


def test_a_live_adapter_is_not_retired_for_want_of_a_verdict(plant):
    plant.ctx = replace(
        plant.ctx, policy=OPEN.model_copy(update={"exposure": RolloutPolicy(retire_after=80)})
    )
    plant.promote(ONE)
    add_picks(plant.ctx.store_engine, ONE, tuned=10, base=10, at=NOW)
    assert rollout.evaluate_canary(plant.ctx, actor="scheduler") is None
    assert rollout.take_out_harmful(plant.ctx, actor="scheduler") == []
    assert plant.state.live == ONE


def test_the_limit_of_harm_is_the_policys(plant):
    add_picks(plant.ctx.store_engine, ONE, tuned=3, base=9, at=NOW)
    patient = RolloutPolicy(max_e_harm=1e9)
    plant.ctx = replace(plant.ctx, policy=OPEN.model_copy(update={"exposure": patient}))
    assert rollout.take_out_harmful(plant.ctx, actor="scheduler") == []


def test_a_policy_that_promotes_nothing_holds_a_proven_canary(plant):
    plant.ctx = replace(plant.ctx, policy=Policy())
    add_picks(plant.ctx.store_engine, ONE, tuned=28, base=12, at=NOW)
    analyse_and_apply(plant)
    assert decisions(plant) == [("hold", ["by_hand", "approval"])]
    assert plant.state.canary == ONE


def test_a_proven_canary_waits_for_the_second_person_where_one_is_asked_for(plant):
    plant.ctx = replace(plant.ctx, policy=load_policy("careful"))
    add_picks(plant.ctx.store_engine, ONE, tuned=28, base=12, at=NOW)
    analyse_and_apply(plant)
    assert (decisions(plant)[0], plant.state.canary) == (("hold", ["approval"]), ONE)
    say(plant, "approve")
    analyse_and_apply(plant)
    assert plant.state == ServingState(fencing_token=3, live=ONE)


def test_a_veto_between_decision_and_deed_keeps_it_from_going_live(plant):
    add_picks(plant.ctx.store_engine, ONE, tuned=28, base=12, at=NOW)
    found = rollout.evaluate_canary(plant.ctx, actor="scheduler")
    say(plant, "veto")
    rollout.apply_decision(plant.ctx, found, actor="scheduler")
    assert plant.state.live is None
    assert (
        rollout.evaluate_canary(plant.ctx, actor="scheduler").rollout.reasons[0].text
        == "vetoed by eva: seen it"
    )


def test_a_proven_canary_of_a_base_that_serves_no_more_stays_as_it_is(plant):
    add_picks(plant.ctx.store_engine, ONE, tuned=28, base=12, at=NOW)
    found = rollout.evaluate_canary(plant.ctx, actor="scheduler")
    assert found is not None and found.rollout.verdict == "go_live"
    served = plant.ctx.settings.model_copy(update={"base_model": DEMO_BASE})
    rollout.apply_decision(replace(plant.ctx, settings=served), found, actor="scheduler")
    assert (plant.state.canary, plant.state.live, plant.state_of(ONE)) == (ONE, None, "canary")


def test_a_decision_that_another_deployment_overtook_changes_nothing(plant):
    add_picks(plant.ctx.store_engine, ONE, tuned=28, base=12, at=NOW)
    found = rollout.evaluate_canary(plant.ctx, actor="scheduler")
    plant.publish(TWO)
    rollout.apply_decision(plant.ctx, found, actor="scheduler")
    assert (plant.state.canary, plant.state.live) == (TWO, None)


def test_a_stopped_worker_writes_no_decision_and_moves_nothing(plant):
    with unit_of_work(plant.ctx.store_engine) as session:
        runs.file_run_request(
            session, desk_id=DESK, kind="manual", slot="1", request={}, requested_by="t", now=NOW
        )
        run = runs.claim_run(session, desk_id=DESK, owner="w", now=NOW, lease_s=60)
    add_picks(plant.ctx.store_engine, ONE, tuned=28, base=12, at=NOW)
    with pytest.raises(StaleLease):
        rollout.evaluate_canary(plant.ctx, actor="trainer", run_token=RunToken(run.id, run.fencing_token - 1))
    assert decisions(plant) == []
    analyse_and_apply(plant, actor="trainer", run_token=RunToken(run.id, run.fencing_token))
    with read(plant.ctx.store_engine) as session:
        newest = deployments.list_deployments(session, desk_id=DESK, role="live")[0]
    assert (newest.adapter, newest.run_id) == (ONE, run.id)


def test_a_restart_between_decision_and_deed_is_made_good_by_the_next_analysis(plant, monkeypatch):
    add_picks(plant.ctx.store_engine, ONE, tuned=28, base=12, at=NOW)

    class Crash(BaseException):
        pass

    def crash(*_, **__):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(deploy, "bring_up", crash)
        with pytest.raises(Crash):
            analyse_and_apply(plant)
    assert plant.state == ServingState(fencing_token=1, canary=ONE, share=0.25)
    plant.restart_engine()
    deploy.reconcile(plant.ctx)
    analyse_and_apply(plant)
    assert plant.state == ServingState(fencing_token=3, live=ONE)
    assert [verdict for verdict, _ in decisions(plant)] == ["go_live", "go_live"]


WIN = Rollout("go_live", (Reason("picks", "picks that decide", 160, 100),), 0)


@pytest.mark.parametrize(
    ("policy", "words", "codes"),
    [
        (OPEN, [], []),
        (Policy(), [], ["by_hand", "approval"]),
        (Policy(), [("eva", "approve")], ["by_hand"]),
        (OPEN, [("eva", "veto"), ("ann", "approve")], ["vetoed"]),
        (Policy(canary=CanaryPolicy(go_live=True)), [("scheduler", "approve")], ["approval"]),
        (Policy(canary=CanaryPolicy(go_live=True)), [("ann", "approve")], []),
    ],
)
def test_what_stands_against_going_live(policy, words, codes):
    rows = tuple(
        Approval(desk_id=DESK, adapter=ONE, actor=actor, kind=kind, reason="", at=NOW)
        for actor, kind in words
    )
    blocks = rollout.find_blocks(policy, Words(rows), actor="scheduler")
    assert [block.code for block in blocks] == codes
    held = rollout.hold_back(WIN, blocks)
    assert (held.verdict, held.reasons) == (("hold", blocks) if codes else ("go_live", WIN.reasons))


def test_nothing_stands_against_leaving():
    out = Rollout("roll_back", (Reason("harm_proven", "", 30, 20),), 0)
    assert rollout.hold_back(out, rollout.find_blocks(Policy(), Words(), actor="scheduler")) is out
