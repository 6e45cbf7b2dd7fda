"""What serves: publish, promote, roll back on an engine that speaks HTTP, with crashes between the steps."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from feedback.deployment import deploy
from feedback.deployment.deploy import RolledBack, ServingState
from feedback.errors import (
    AdapterErased,
    AdapterFilesMissing,
    AdapterOfOtherBase,
    IllegalTransition,
    NotFound,
    NothingToRollBack,
    StaleFencingToken,
    StaleLease,
)
from feedback.store import adapters, deployments, runs
from feedback.store.engine import read, unit_of_work
from feedback.store.runs import RunToken
from feedback.store.tables import SuggestionSet
from feedback.suggestions.routing import adapter_for
from serving.adapters.manifest import read_manifest
from serving.adapters.staging import adapter_path
from serving.base import compute_base_id
from serving.errors import EngineNotRunning, ProbeFailed
from serving.settings import DEMO_BASE
from tests.feedback.builders import DESK, NOW, add_adapter, add_dataset, add_turn
from tests.feedback.plant import ONE, THREE, TWO, write_probe


def test_publishing_loads_probes_writes_the_row_and_the_manifest(plant_on_both):
    plant = plant_on_both
    plant.add(ONE)
    assert plant.publish(ONE) == 1
    assert plant.state == ServingState(fencing_token=1, live=None, canary=ONE, share=1.0)
    assert (plant.loaded, plant.state_of(ONE), plant.manifest) == ({ONE}, "canary", (1, None, ONE))
    assert plant.engine.adapters[ONE] == str(adapter_path(plant.ctx.data_dir, ONE))


def test_a_newer_canary_retires_the_one_before_and_unloads_it(plant):
    plant.add(ONE, TWO)
    plant.publish(ONE)
    plant.publish(TWO)
    assert (plant.state.canary, plant.state_of(ONE), plant.loaded) == (TWO, "retired", {TWO})


def test_promoting_makes_it_live_and_ends_the_canary(plant_on_both):
    plant = plant_on_both
    plant.add(ONE, TWO)
    plant.publish(ONE)
    plant.promote(ONE)
    assert plant.state == ServingState(fencing_token=3, live=ONE, canary=None)
    assert plant.state_of(ONE) == "live"
    plant.publish(TWO)
    plant.promote(TWO)
    assert (plant.state.live, plant.state.canary, plant.state_of(ONE)) == (TWO, None, "retired")
    assert plant.loaded == {TWO}


def test_a_canary_leaves_the_live_one_in_service(plant):
    plant.add(ONE, TWO)
    plant.publish(ONE, role="live")
    plant.publish(TWO)
    assert (plant.state.live, plant.state.canary, plant.loaded) == (ONE, TWO, {ONE, TWO})


def test_publishing_what_serves_already_changes_nothing(plant):
    plant.add(ONE)
    assert plant.publish(ONE) == plant.publish(ONE, expected_token=0) == 1


@pytest.mark.parametrize(
    ("state", "role", "error"),
    [
        ("refused", "live", "is refused and cannot become live"),
        ("refused", "canary", "is refused and cannot become canary"),
        ("trained", "live", "is trained and cannot become live"),
        ("rolled_back", "canary", "is rolled_back and cannot become canary"),
    ],
)
def test_states_that_may_not_serve_are_refused(plant, state, role, error):
    plant.add(ONE, state=state)
    with pytest.raises(IllegalTransition, match=error):
        plant.publish(ONE, role=role)
    assert (plant.loaded, plant.state.fencing_token) == (set(), 0)


def test_an_adapter_of_another_base_is_refused_before_the_engine_hears_of_it(plant):
    plant.add(ONE)
    here = compute_base_id(DEMO_BASE)
    plant.ctx = replace(plant.ctx, settings=plant.ctx.settings.model_copy(update={"base_model": DEMO_BASE}))
    with pytest.raises(AdapterOfOtherBase, match=f"trained on base bbbbbbbbbbbbbbbb; .* {here[:16]}") as told:
        plant.promote(ONE)
    assert (told.value.status, told.value.code) == (409, "adapter_of_other_base")
    assert (plant.loaded, plant.state.fencing_token, plant.state_of(ONE)) == (set(), 0, "passed")


def test_a_person_may_promote_what_was_rolled_back(plant):
    plant.add(ONE)
    plant.publish(ONE)
    plant.rollback()
    plant.promote(ONE)
    assert (plant.state.live, plant.state_of(ONE)) == (ONE, "live")


def test_unknown_erased_and_lost_adapters_are_refused(plant):
    with unit_of_work(plant.ctx.store_engine) as session:
        dataset = add_dataset(session, erased_at=NOW)
    plant.add(ONE, dataset_id=dataset.id)
    with pytest.raises(NotFound):
        plant.promote(TWO)
    with pytest.raises(AdapterErased):
        plant.promote(ONE)
    with unit_of_work(plant.ctx.store_engine) as session:
        add_adapter(session, THREE)
    with pytest.raises(AdapterFilesMissing):
        plant.promote(THREE)


def test_an_adapter_that_fails_its_probe_never_serves(plant):
    plant.add(ONE)
    write_probe(plant.ctx.data_dir / "adapters" / ONE, ONE, shift=0.01)
    with pytest.raises(ProbeFailed):
        plant.publish(ONE)
    assert (plant.state.fencing_token, plant.loaded, plant.state_of(ONE)) == (0, set(), "passed")


def test_a_decision_on_an_older_state_is_refused(plant_on_both):
    plant = plant_on_both
    plant.add(ONE, TWO)
    plant.publish(ONE, expected_token=0)
    with pytest.raises(StaleFencingToken, match="decided at fencing token 0, but the fencing token is 1 now"):
        plant.publish(TWO, expected_token=0)
    assert (plant.state.canary, plant.state_of(TWO)) == (ONE, "passed")
    plant.clock.advance(deploy.BRING_UP_GRACE.total_seconds())
    deploy.reconcile(plant.ctx)
    assert plant.loaded == {ONE}


def test_a_worker_that_was_taken_over_cannot_publish(plant):
    plant.add(ONE)
    with unit_of_work(plant.ctx.store_engine) as session:
        run, _ = runs.file_run_request(
            session, desk_id=DESK, kind="night", slot="x", request={}, requested_by="t", now=NOW
        )
        old = runs.claim_run(session, desk_id=DESK, owner="one", now=NOW, lease_s=60).fencing_token
        later = NOW + timedelta(seconds=60)
        new = runs.claim_run(session, desk_id=DESK, owner="two", now=later, lease_s=60).fencing_token
    with pytest.raises(StaleLease):
        plant.publish(ONE, run_token=RunToken(run.id, old))
    assert plant.state.fencing_token == 0
    assert plant.publish(ONE, run_token=RunToken(run.id, new)) == 1
    with read(plant.ctx.store_engine) as session:
        assert deployments.list_deployments(session, desk_id=DESK)[0].run_id == run.id


def test_rolling_back_the_first_canary_leaves_base(plant_on_both):
    plant = plant_on_both
    plant.add(ONE)
    plant.publish(ONE)
    assert plant.rollback() == RolledBack(from_=ONE, to=None, fencing_token=2)
    assert plant.state == ServingState(fencing_token=2)
    assert (plant.loaded, plant.state_of(ONE), plant.manifest) == (set(), "rolled_back", (2, None, None))
    with pytest.raises(NothingToRollBack):
        plant.rollback()


def test_rolling_back_restores_the_one_before_and_then_what_was_before_that(plant):
    plant.add(ONE, TWO, THREE)
    for name in (ONE, TWO, THREE):
        plant.publish(name)
    assert (plant.rollback().to, plant.loaded, plant.state_of(TWO)) == (TWO, {TWO}, "canary")
    assert (plant.rollback().to, plant.loaded, plant.state_of(ONE)) == (ONE, {ONE}, "canary")
    assert (plant.rollback().to, plant.loaded) == (None, set())
    assert {plant.state_of(name) for name in (ONE, TWO, THREE)} == {"rolled_back"}


def test_rolling_back_a_canary_leaves_the_live_one(plant):
    plant.add(ONE, TWO)
    plant.publish(ONE)
    plant.promote(ONE)
    plant.publish(TWO)
    assert plant.rollback() == RolledBack(from_=TWO, to=ONE, fencing_token=5)
    assert plant.state == ServingState(fencing_token=5, live=ONE)


def test_rolling_back_a_live_one_restores_the_live_one_before(plant):
    plant.add(ONE, TWO)
    plant.promote(ONE)
    plant.promote(TWO)
    assert plant.rollback().to == ONE
    assert (plant.state.live, plant.state_of(ONE), plant.loaded) == (ONE, "live", {ONE})


def test_rolling_back_skips_what_lost_its_files_or_its_data(plant):
    with unit_of_work(plant.ctx.store_engine) as session:
        dataset = add_dataset(session)
    plant.add(ONE)
    plant.add(TWO, dataset_id=dataset.id)
    plant.add(THREE)
    for name in (ONE, TWO, THREE):
        plant.publish(name)
    with unit_of_work(plant.ctx.store_engine) as session:
        dataset.erased_at = NOW
        session.add(dataset)
    assert plant.rollback().to == ONE


def test_rolling_back_works_without_an_engine(plant):
    plant.add(ONE)
    plant.publish(ONE)
    plant.ctx = replace(plant.ctx, fleet_factory=no_engine)
    assert plant.rollback().to is None
    assert plant.manifest == (2, None, None)
    with pytest.raises(EngineNotRunning):
        deploy.reconcile(plant.ctx)


def no_engine():
    raise EngineNotRunning(Path("endpoint.json"))


def test_rolling_back_a_named_adapter_leaves_another_one_alone(plant):
    plant.add(ONE, TWO)
    plant.publish(ONE)
    with pytest.raises(NothingToRollBack):
        plant.rollback(only=TWO)
    assert plant.state.canary == ONE


def test_a_restarted_engine_gets_back_what_the_rows_name(plant):
    plant.add(ONE, TWO)
    plant.publish(ONE, role="live")
    plant.publish(TWO)
    plant.restart_engine()
    (plant.ctx.data_dir / "manifest.json").unlink()
    deploy.reconcile(plant.ctx)
    assert (plant.loaded, plant.manifest) == ({ONE, TWO}, (2, ONE, TWO))


def test_one_adapter_that_cannot_be_loaded_keeps_no_other_out(plant):
    plant.add(ONE, TWO)
    plant.publish(ONE, role="live")
    plant.publish(TWO)
    plant.restart_engine()
    (adapter_path(plant.ctx.data_dir, ONE) / "adapter_config.json").unlink()
    deploy.reconcile(plant.ctx)
    assert plant.loaded == {TWO}


@pytest.mark.parametrize("asked", [(None, ONE), (None, TWO, ONE)])
def test_an_adapter_stays_loaded_while_a_set_may_ask_for_it(plant, asked):
    plant.add(ONE)
    plant.publish(ONE)
    with unit_of_work(plant.ctx.store_engine) as session:
        turn = add_turn(session)
        row = SuggestionSet(
            desk_id=DESK,
            turn_id=turn.id,
            conversation_id=turn.conversation_id,
            adapter=asked[1],
            requests=[{"adapter": name} for name in asked],
            slot_seed=1,
            resampled_arm="base",
            lease_owner="x/1/x",
            lease_until=NOW + timedelta(seconds=45),
            created_at=NOW,
        )
        session.add(row)
    plant.rollback()
    assert (plant.state.canary, plant.loaded) == (None, {ONE})
    with unit_of_work(plant.ctx.store_engine) as session:
        row.state = "ready"
        session.add(row)
    deploy.reconcile(plant.ctx)
    assert plant.loaded == set()


def test_models_that_are_no_versions_are_left_alone(plant):
    plant.engine.adapters["somebody-else"] = "/elsewhere"
    deploy.reconcile(plant.ctx)
    assert plant.loaded == {"somebody-else"}


def test_publishing_without_an_engine_changes_nothing(plant):
    plant.add(ONE)
    plant.ctx = replace(plant.ctx, fleet_factory=no_engine)
    with pytest.raises(EngineNotRunning):
        plant.publish(ONE)
    assert plant.state.fencing_token == 0


@pytest.mark.parametrize(("share", "low", "high"), [(1.0, 1000, 1000), (0.0, 0, 0), (0.3, 240, 360)])
def test_a_conversation_sees_the_canary_by_its_share_and_keeps_it(share, low, high):
    state = ServingState(fencing_token=1, live=ONE, canary=TWO, share=share)
    seen = [adapter_for(state, f"conversation-{number}") for number in range(1000)]
    assert low <= Counter(seen)[TWO] <= high
    assert set(seen) <= {ONE, TWO}
    assert seen == [adapter_for(state, f"conversation-{number}") for number in range(1000)]
    assert adapter_for(ServingState(live=ONE), "x") == ONE
    assert adapter_for(ServingState(), "x") is None


def test_history_tells_every_move_and_its_reason(plant):
    plant.add(ONE)
    plant.publish(ONE)
    plant.rollback()
    with read(plant.ctx.store_engine) as session:
        events = adapters.list_events(session, name=ONE)
    assert [(e.from_state, e.to_state, e.reason) for e in events] == [
        ("passed", "passed", "bringing up as canary"),
        ("passed", "canary", "passed the gate"),
        ("canary", "rolled_back", "too curt"),
    ]


def test_the_manifest_names_what_base_stands_in_for_until_it_is_loaded(plant):
    plant.add(ONE)
    plant.publish(ONE, role="live")
    plant.engine.adapters.pop(ONE)
    hidden = plant.ctx.data_dir / "hidden"
    files = plant.ctx.data_dir / "adapters" / ONE
    files.rename(hidden)
    deploy.reconcile(plant.ctx)
    found = read_manifest(plant.ctx.data_dir)
    assert (found.live, found.missing) == (ONE, (ONE,))
    hidden.rename(files)
    deploy.reconcile(plant.ctx)
    assert read_manifest(plant.ctx.data_dir).missing == () and plant.loaded == {ONE}
