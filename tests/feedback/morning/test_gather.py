"""The facts of the morning from rows as the loop leaves them, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from feedback.actor import Actor
from feedback.deployment import approvals, rollout
from feedback.experiments.fits import renew_fits
from feedback.morning.gather import GRACE, gather_facts, say_now
from feedback.morning.outlook import Outlook
from feedback.store import runs
from feedback.store.deployments import add_deployment
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Run
from serving.adapters.manifest import read_manifest, write_manifest
from tests.databases import START
from tests.feedback.builders import DESK, NOW
from tests.feedback.pick_rows import add_picks
from tests.feedback.plant import ONE, POLICY, THREE, TWO
from tests.feedback.run_report.runs import add_ended_run
from trainer.timetable import Timetable

LATER = NOW + timedelta(hours=8)


@pytest.fixture
def plant(plant_on_both):
    plant_on_both.add(ONE, TWO, THREE)
    return plant_on_both


def look(plant, at=LATER, **outlook):
    given = {"min_new_choices": 50, "timetable": None, **outlook}
    with read(plant.ctx.store_engine) as session:
        return say_now(session, Outlook(plant.ctx.policy, plant.ctx.data_dir, **given), now=at)


def end_run(plant, outcome, at=LATER, **fields):
    """A run of this time that leaves no adapter."""
    given = {"state": outcome, "created_at": at, "started_at": at, "finished_at": at, **fields}
    with unit_of_work(plant.ctx.store_engine) as session:
        session.add(Run(desk_id=DESK, kind="manual", slot=str(at), **given))


def test_a_canary_from_its_start_to_its_end(plant):
    assert look(plant).code == "nothing_yet"
    plant.publish(ONE, share=0.25)
    begun = look(plant)
    assert (begun.code, begun.values["percent"]) == ("canary_begun", 25)
    add_picks(plant.ctx.store_engine, ONE, tuned=28, base=12, at=NOW)  # 112 of 160
    unfitted = look(plant)
    assert (unfitted.code, unfitted.action.code) == ("canary_ahead", "next_look")
    renew_fits(plant.ctx.store_engine, policy=POLICY.exposure, clock=plant.clock)
    proven = look(plant)
    assert proven.code == "waits_for_promotion"
    # Wilson's interval of 112 of 160.
    assert {name: proven.values[name] for name in ("picks", "share", "low", "high")} == {
        "picks": 160,
        "share": 70,
        "low": 62,
        "high": 77,
    }
    plant.promote(ONE)
    assert look(plant).code == "live_better"


def test_a_canary_that_takes_anothers_place_says_whose(plant):
    plant.publish(ONE)
    plant.publish(TWO)
    said = look(plant)
    assert (said.code, said.values["before"]) == ("canary_replaced", ONE)


def test_a_canary_whose_share_grew_took_nobodys_place(plant):
    plant.publish(ONE, share=0.1)
    with unit_of_work(plant.ctx.store_engine) as session:
        put = {"adapter": ONE, "actor": "ann", "reason": "so far so good", "now": NOW}
        add_deployment(session, desk_id=DESK, role="canary", share=0.5, **put)
    said = look(plant)
    assert (said.code, said.values["percent"]) == ("canary_begun", 50)


def test_harm_is_told_until_another_one_was_trained(plant):
    plant.publish(ONE)
    add_picks(plant.ctx.store_engine, ONE, tuned=3, base=7, at=NOW)  # 12 of 40
    assert look(plant).code == "harm_suspected"
    add_picks(plant.ctx.store_engine, ONE, tuned=1, base=5, at=NOW)  # 16 of 64
    assert look(plant).code == "harm_proven"
    assert rollout.take_out_harmful(plant.ctx, actor="scheduler") == [ONE]
    said = look(plant)
    assert (said.code, said.values["picks"], said.values["serves"]) == (
        "rolled_back_for_harm",
        64,
        "the base",
    )
    end_run(plant, "skipped")
    assert look(plant).code == "rolled_back_for_harm"
    reason = {"code": "drifted", "text": "", "value": 0.7, "limit": 0.5}
    end_run(plant, "done", LATER + timedelta(days=1), decision="refused", adapter="t-9", reasons=[reason])
    assert look(plant, LATER + timedelta(days=2)).code == "refused"


def test_a_person_who_rolls_back_is_named_with_what_serves_now(plant):
    plant.promote(THREE)
    plant.publish(ONE)
    plant.rollback()
    said = look(plant)
    assert (said.code, said.values["actor"], said.values["adapter"]) == ("rolled_back_by_person", "ann", ONE)
    assert said.values["serves"] == THREE


def test_a_veto_is_no_rollback_by_a_person(plant):
    eva = Actor(kind="token", role="admin", desk_id=DESK, name="eva")
    plant.publish(ONE)
    with unit_of_work(plant.ctx.store_engine) as session:
        approvals.veto_adapter(session, plant.ctx, ONE, actor=eva, reason="too curt")
    said = look(plant)
    assert (said.code, said.values["actor"], said.values["adapter"]) == ("vetoed", "eva", ONE)


def test_one_that_was_replaced_or_went_live_did_not_leave(plant):
    plant.publish(ONE)
    plant.promote(ONE)
    plant.promote(TWO)
    with read(plant.ctx.store_engine) as session:
        outlook = Outlook(POLICY, plant.ctx.data_dir, 50, None)
        assert gather_facts(session, outlook, now=LATER).left is None


def test_a_canary_that_retires_undecided_is_told(plant):
    limits = POLICY.exposure.model_copy(update={"retire_after": 30})
    plant.ctx = replace(plant.ctx, policy=POLICY.model_copy(update={"exposure": limits}))
    plant.publish(ONE)
    add_picks(plant.ctx.store_engine, ONE, tuned=5, base=5, at=NOW)
    rollout.apply_decision(
        plant.ctx, rollout.evaluate_canary(plant.ctx, actor="scheduler"), actor="scheduler"
    )
    assert look(plant).code == "left_undecided"


def test_what_cannot_be_loaded_and_what_is_gone_are_told_apart(plant):
    plant.publish(ONE)
    manifest = read_manifest(plant.ctx.data_dir)
    write_manifest(plant.ctx.data_dir, replace(manifest, missing=(ONE, TWO)))
    assert look(plant).code == "base_stands_in"
    (plant.ctx.data_dir / "adapters" / ONE).rename(plant.ctx.data_dir / "elsewhere")
    said = look(plant)
    assert (said.code, said.values["adapter"]) == ("adapter_lost", ONE)


def test_a_night_is_missed_once_its_run_should_long_be_asked_for(store_engine, tmp_path):
    outlook = Outlook(POLICY, tmp_path, 50, Timetable("0 2 * * *", "UTC"))

    def find(at):
        with read(store_engine) as session:
            return gather_facts(session, outlook, now=at).missed

    due = START.replace(hour=2) + timedelta(days=1)
    assert find(START) is None  # that night was over when the desk was made
    assert find(due + GRACE - timedelta(seconds=1)) is None
    assert find(due + GRACE) == due
    with unit_of_work(store_engine) as session:
        runs.file_run_request(
            session, desk_id=DESK, kind="night", slot=due.isoformat(), request={}, requested_by="s", now=due
        )
    assert find(due + GRACE) is None
    with read(store_engine) as session:
        assert say_now(session, outlook, now=due + GRACE).code == "run_waits"
        assert say_now(session, outlook, now=due + 2 * GRACE).code == "run_unclaimed"


def test_a_run_that_is_taken_up_again_says_so(store_engine, tmp_path):
    outlook = Outlook(POLICY, tmp_path, 50, None)
    ask = {"desk_id": DESK, "kind": "manual", "slot": "x", "request": {}, "requested_by": "ada"}

    def find(at):
        with read(store_engine) as session:
            return say_now(session, outlook, now=at).code

    def claim(at):
        with unit_of_work(store_engine) as session:
            return runs.claim_run(session, desk_id=DESK, owner="w", now=at, lease_s=60).fencing_token

    with unit_of_work(store_engine) as session:
        run, _ = runs.file_run_request(session, now=START, **ask)
        run_id = run.id
    claim(START)
    assert find(START) == "run_goes_on"
    assert find(START + timedelta(seconds=61)) == "run_interrupted"
    assert find(START + timedelta(minutes=12)) == "run_abandoned"
    claim(START + timedelta(seconds=61))
    assert find(START + timedelta(seconds=62)) == "run_continued"
    with unit_of_work(store_engine) as session:
        runs.end_cancelled_run(session, desk_id=DESK, run_id=run_id, now=START + timedelta(minutes=3))
    assert find(START + timedelta(minutes=4)) == "run_cancelled"


def test_choices_of_now_are_counted_and_not_those_of_the_skipped_night(desk):
    add_ended_run(desk.engine, "skipped", started_at=START)
    for _ in range(3):
        _, shown = desk.open_ready()
        assert desk.pick(shown).status_code == 201
    outlook = Outlook(POLICY, desk.app.extensions["rejoinder"].settings.data_dir, 3, None)
    with read(desk.engine) as session:
        said = say_now(session, outlook, now=desk.clock.now())
        assert (said.code, said.values) == ("night_comes", {"found": 3, "needed": 3, "counted": "choices"})
        few = say_now(session, replace(outlook, min_new_choices=4), now=desk.clock.now())
        assert (few.code, few.values["found"]) == ("too_few", 3)


def test_picks_since_the_last_fit_count_once_it_is_two_minutes_old(plant):
    plant.publish(ONE)
    add_picks(plant.ctx.store_engine, ONE, tuned=3, base=2, at=NOW)  # 12 of 20
    plant.clock.advance((LATER - NOW).total_seconds())
    renew_fits(plant.ctx.store_engine, policy=POLICY.exposure, clock=plant.clock)
    add_picks(plant.ctx.store_engine, ONE, tuned=1, base=0, at=NOW)
    assert look(plant, LATER + timedelta(seconds=119)).values["picks"] == 20
    assert look(plant, LATER + timedelta(seconds=120)).values["picks"] == 24
