"""The last step of a night, without the night: a canary that serves, and a passed adapter in its place."""

import json
import threading
from dataclasses import replace

import pytest

import trainer.release.publish
from feedback.store import rollout_decisions
from feedback.store.approvals import add_word
from feedback.store.deployments import ServingState
from feedback.store.engine import read, unit_of_work
from serving.errors import EngineNotRunning, EngineUnreachable
from tests.feedback.builders import DESK, NOW
from tests.feedback.pick_rows import add_picks
from tests.feedback.plant import ONE, TWO, build
from tests.trainer.nights import LAX, ask_and_claim
from trainer.context import NightContext
from trainer.jobs.scheduler import check_harm, run_interim_analysis
from trainer.release.publish import publish
from trainer.settings import TrainerSettings

HALF = LAX.model_copy(update={"canary": LAX.canary.model_copy(update={"share": 0.5})})
NOBODY = LAX.model_copy(update={"canary": LAX.canary.model_copy(update={"share": 0.0})})


@pytest.fixture
def plant(sqlite_engine, fake_engine, fake_fleet, tmp_path):
    plant = build(sqlite_engine, fake_engine, tmp_path, fake_fleet)
    plant.add(ONE, TWO)
    return plant


@pytest.fixture
def ctx(plant):
    return NightContext(
        store_engine=plant.ctx.store_engine,
        data_dir=plant.ctx.data_dir,
        settings=TrainerSettings(engine_wait_s=0),
        serving=plant.ctx.settings,
        fleet_factory=plant.ctx.fleet_factory,
        clock=plant.clock,
        desk_id=DESK,
        policy=HALF,
    )


@pytest.fixture
def token(ctx):
    """A run that is at its last step; as one run at a time is claimed, it publishes for all nights."""
    return ask_and_claim(ctx)


def verdicts(ctx, name):
    with read(ctx.store_engine) as session:
        found = rollout_decisions.list_decisions(session, desk_id=DESK, adapter=name)
        return [(row.verdict, row.actor) for row in found]


def test_a_passed_adapter_is_shown_to_the_policys_share(ctx, plant, token):
    assert publish(ctx, token, ONE) == []
    assert plant.state == ServingState(fencing_token=1, canary=ONE, share=0.5)


def test_a_policy_that_shows_nobody_leaves_it_passed_and_says_so(ctx, plant, token):
    (note,) = publish(replace(ctx, policy=NOBODY), token, ONE)
    assert note["code"] == "not_shown" and f"rejoinder promote {ONE}" in note["text"]
    assert (plant.state.named, plant.state_of(ONE)) == (frozenset(), "passed")


def test_a_proven_canary_goes_live_before_the_newer_one_takes_its_place(ctx, plant, token):
    publish(ctx, token, ONE)
    add_picks(ctx.store_engine, ONE, tuned=28, base=12, at=NOW)
    assert publish(ctx, token, TWO) == []
    assert plant.state == ServingState(fencing_token=4, live=ONE, canary=TWO, share=0.5)
    assert (plant.state_of(ONE), plant.state_of(TWO), plant.loaded) == ("live", "canary", {ONE, TWO})
    assert verdicts(ctx, ONE) == [("go_live", "trainer")]


def test_an_undecided_canary_gives_way_to_the_newer_one(ctx, plant, token):
    publish(ctx, token, ONE)
    add_picks(ctx.store_engine, ONE, tuned=6, base=4, at=NOW)
    publish(ctx, token, TWO)
    assert plant.state == ServingState(fencing_token=2, canary=TWO, share=0.5)
    assert (plant.state_of(ONE), verdicts(ctx, ONE)) == ("retired", [("hold", "trainer")])


def test_a_rerun_after_publishing_decides_nothing_about_itself(ctx, plant, token):
    publish(ctx, token, ONE)
    publish(ctx, token, ONE)
    assert (plant.state.fencing_token, verdicts(ctx, ONE)) == (1, [])


def test_a_vetoed_adapter_is_not_shown_and_the_run_says_by_whom(ctx, plant, token):
    with unit_of_work(ctx.store_engine) as session:
        add_word(
            session, desk_id=DESK, adapter=ONE, actor="eva", kind="veto", reason="makes up links", now=NOW
        )
    (note,) = publish(ctx, token, ONE)
    assert (note["code"], note["text"]) == ("vetoed", f"eva vetoed {ONE}: the reason stands on its page")
    assert (plant.state.named, plant.state_of(ONE)) == (frozenset(), "passed")


def test_a_proven_canary_waits_for_an_engine_and_is_not_replaced_meanwhile(ctx, plant, token, monkeypatch):
    publish(ctx, token, ONE)
    add_picks(ctx.store_engine, ONE, tuned=28, base=12, at=NOW)

    def away():
        raise EngineUnreachable("the engine", "http://127.0.0.1:1", "refused")

    with pytest.raises(EngineUnreachable):
        publish(replace(ctx, fleet_factory=away), token, TWO)
    assert plant.state == ServingState(fencing_token=1, canary=ONE, share=0.5)

    def stopped():
        raise EngineNotRunning(plant.ctx.data_dir / "endpoint.json")

    (note,) = publish(replace(ctx, fleet_factory=stopped), token, TWO)
    assert note["code"] == "not_published" and plant.state.canary == ONE

    calls = []

    def back_soon():
        calls.append(1)
        if len(calls) == 1:
            raise EngineUnreachable("the engine", "http://127.0.0.1:1", "refused")
        return plant.ctx.fleet_factory()

    monkeypatch.setattr(trainer.release.publish, "RETRY_S", 0.0)
    waiting = replace(ctx, fleet_factory=back_soon, settings=TrainerSettings(engine_wait_s=60))
    publish(waiting, token, TWO)
    assert plant.state == ServingState(fencing_token=4, live=ONE, canary=TWO, share=0.5)
    assert len(verdicts(ctx, ONE)) == 3  # one look each time, however often it waited


def test_a_canary_whose_files_went_bad_is_replaced_by_the_newer_one(ctx, plant, token):
    publish(ctx, token, ONE)
    add_picks(ctx.store_engine, ONE, tuned=28, base=12, at=NOW)
    probe = plant.ctx.data_dir / "adapters" / ONE / "probe.json"
    shifted = json.loads(probe.read_text())
    shifted["prompts"][0]["adapter_logprobs"] = [
        value - 1 for value in shifted["prompts"][0]["adapter_logprobs"]
    ]
    probe.write_text(json.dumps(shifted))
    assert publish(ctx, token, TWO) == []
    assert plant.state == ServingState(fencing_token=2, canary=TWO, share=0.5)
    assert plant.state_of(TWO) == "canary"


def test_the_nightly_job_takes_a_proven_canary_live_and_leaves_it_where_no_engine_runs(ctx, plant, token):
    run_interim_analysis(ctx)  # nothing serves: nothing to decide
    publish(ctx, token, ONE)
    add_picks(ctx.store_engine, ONE, tuned=28, base=12, at=NOW)

    def stopped():
        raise EngineNotRunning(plant.ctx.data_dir / "endpoint.json")

    run_interim_analysis(replace(ctx, fleet_factory=stopped))
    assert plant.state.canary == ONE
    run_interim_analysis(ctx)
    assert plant.state == ServingState(fencing_token=3, live=ONE)
    assert verdicts(ctx, ONE) == [("go_live", "scheduler")] * 2


def test_the_job_of_the_minute_demotes_by_itself(ctx, plant, token):
    publish(ctx, token, ONE)
    add_picks(ctx.store_engine, ONE, tuned=3, base=9, at=NOW)
    assert check_harm(ctx) == [ONE]
    assert (plant.state_of(ONE), verdicts(ctx, ONE)) == ("rolled_back", [("roll_back", "scheduler")])


def test_two_analyses_of_the_minute_at_once_demote_once(ctx, plant, token):
    publish(ctx, token, ONE)
    add_picks(ctx.store_engine, ONE, tuned=3, base=9, at=NOW)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.extend(check_harm(ctx))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [ONE] and len(verdicts(ctx, ONE)) == 1
