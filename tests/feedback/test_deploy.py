"""What serves: publish, promote, roll back on an engine that speaks HTTP, with crashes between the steps."""

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from feedback import deploy
from feedback.clock import FrozenClock
from feedback.deploy import Deployer, RolledBack, ServingState, adapter_for, adapter_path, serving_state
from feedback.deploy_errors import (
    AdapterErased,
    AdapterFilesMissing,
    IllegalTransition,
    NothingToRollBack,
    StaleFence,
    StaleLease,
)
from feedback.errors import NotFound
from feedback.policy import ApprovalPolicy, Policy
from feedback.store import adapters, deployments, runs
from feedback.store.runs import RunToken
from feedback.store.session import read, unit_of_work
from feedback.store.tables import SuggestionSet
from serving.errors import EngineNotRunning, ProbeFailed
from serving.fake import FakeEngine, fake_logprob
from serving.fleet import Fleet
from serving.manifest import read_manifest
from serving.settings import ServingSettings
from tests.feedback.builders import BASE_ID, DESK, NOW, add_adapter, add_dataset, add_turn

ONE, TWO, THREE = (f"tuned-20261122-{number}" for number in (1, 2, 3))
# People promote alone here; what a second person and a veto change: test_approvals.py.
POLICY = Policy(approval=ApprovalPolicy(second_person=False))
PROMPT, REPLY = [10, 11, 12], [20, 21, 1]


@dataclass
class Plant:
    """A store, an engine and a data directory with adapters in it."""

    ctx: Deployer
    engine: FakeEngine
    clock: FrozenClock

    def add(self, *names: str, state: str = "passed", **fields) -> None:
        for name in names:
            stage(self.ctx.data_dir, name)
            with unit_of_work(self.ctx.store_engine) as session:
                add_adapter(session, name, state, **fields)

    def publish(self, name: str, role: str = "canary", **fields) -> int:
        return deploy.publish(self.ctx, name, role=role, actor="worker", reason="passed the gate", **fields)

    def rollback(self, **fields) -> RolledBack:
        return deploy.rollback(self.ctx, actor="ann", reason="too curt", **fields)

    def promote(self, name: str) -> int:
        return deploy.promote(self.ctx, name, actor="ann", reason="good")

    @property
    def state(self) -> ServingState:
        with read(self.ctx.store_engine) as session:
            return serving_state(session, desk_id=DESK)

    @property
    def loaded(self) -> set[str]:
        return set(self.engine.adapters) - {"zero"}

    def state_of(self, name: str) -> str:
        with read(self.ctx.store_engine) as session:
            return adapters.get_adapter(session, desk_id=DESK, name=name).state

    @property
    def manifest(self) -> tuple[int, str | None, str | None]:
        found = read_manifest(self.ctx.data_dir)
        assert found is not None
        return found.fence, found.live, found.canary

    def restart_engine(self) -> None:
        self.engine.adapters = {"zero": "(zero)"}


def stage(data_dir: Path, name: str) -> None:
    """Files in the form of a staged version, with a probe that the fake engine passes."""
    from serving.adapter_check import hash_files

    version = data_dir / "adapters" / name
    weights = version / "weights"
    weights.mkdir(parents=True)
    (weights / "adapter_config.json").write_text(json.dumps({"name": name}))
    (weights / "adapter_model.safetensors").write_bytes(name.encode())
    (version / "manifest.json").write_text(json.dumps({"base_id": BASE_ID, "sha256": hash_files(weights)}))
    write_probe(version, name)


def write_probe(version: Path, name: str, shift: float = 0.0) -> None:
    def score(model: str) -> list[float]:
        tokens = PROMPT + REPLY
        return [fake_logprob(model, tokens[: place + 1]) for place in range(len(PROMPT), len(tokens))]

    prompt = {
        "prompt_token_ids": PROMPT,
        "reply_token_ids": REPLY,
        "adapter_logprobs": [number + shift for number in score(name)],
        "base_logprobs": score("base"),
    }
    (version / "probe.json").write_text(
        json.dumps({"base_id": BASE_ID, "dtype": "float32", "prompts": [prompt]})
    )


def build(store: Engine, engine: FakeEngine, data_dir: Path, fleet: Fleet) -> Plant:
    clock = FrozenClock(NOW)
    # No such base on disk: ids of the base are then not compared, as where remote engines alone have it.
    settings = ServingSettings(backend="cpu", data_dir=data_dir, base_model=str(data_dir / "no-base"))
    return Plant(Deployer(store, lambda: fleet, settings, data_dir, clock, POLICY), engine, clock)


@pytest.fixture
def plant(sqlite_engine, fake_engine, fake_fleet, tmp_path):
    return build(sqlite_engine, fake_engine, tmp_path, fake_fleet)


@pytest.fixture
def plant_on_both(store_engine, fake_engine, fake_fleet, tmp_path):
    return build(store_engine, fake_engine, tmp_path, fake_fleet)


def test_publishing_loads_probes_writes_the_row_and_the_manifest(plant_on_both):
    plant = plant_on_both
    plant.add(ONE)
    assert plant.publish(ONE) == 1
    assert plant.state == ServingState(fence=1, live=None, canary=ONE, share=1.0)
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
    assert plant.state == ServingState(fence=3, live=ONE, canary=None)
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
    assert plant.publish(ONE) == plant.publish(ONE, expected_fence=0) == 1


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
    assert (plant.loaded, plant.state.fence) == (set(), 0)


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
    assert (plant.state.fence, plant.loaded, plant.state_of(ONE)) == (0, set(), "passed")


def test_a_decision_on_an_older_state_is_refused(plant_on_both):
    plant = plant_on_both
    plant.add(ONE, TWO)
    plant.publish(ONE, expected_fence=0)
    with pytest.raises(StaleFence, match="decided at fence 0, but the fence is 1 now"):
        plant.publish(TWO, expected_fence=0)
    assert (plant.state.canary, plant.state_of(TWO)) == (ONE, "passed")
    plant.clock.advance(deploy.BRING_UP_GRACE.total_seconds())
    deploy.reconcile(plant.ctx)
    assert plant.loaded == {ONE}


def test_a_worker_that_was_taken_over_cannot_publish(plant):
    plant.add(ONE)
    with unit_of_work(plant.ctx.store_engine) as session:
        run, _ = runs.request_run(
            session, desk_id=DESK, kind="night", slot="x", request={}, requested_by="t", now=NOW
        )
        old = runs.claim_run(session, desk_id=DESK, owner="one", now=NOW, lease_s=60).fence
        later = NOW + timedelta(seconds=60)
        new = runs.claim_run(session, desk_id=DESK, owner="two", now=later, lease_s=60).fence
    with pytest.raises(StaleLease):
        plant.publish(ONE, run_token=RunToken(run.id, old))
    assert plant.state.fence == 0
    assert plant.publish(ONE, run_token=RunToken(run.id, new)) == 1
    with read(plant.ctx.store_engine) as session:
        assert deployments.list_deployments(session, desk_id=DESK)[0].run_id == run.id


def test_rolling_back_the_first_canary_leaves_base(plant_on_both):
    plant = plant_on_both
    plant.add(ONE)
    plant.publish(ONE)
    assert plant.rollback() == RolledBack(from_=ONE, to=None, fence=2)
    assert plant.state == ServingState(fence=2)
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
    assert plant.rollback() == RolledBack(from_=TWO, to=ONE, fence=5)
    assert plant.state == ServingState(fence=5, live=ONE)


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
            redraw_arm="base",
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


def test_an_incoming_adapter_is_not_unloaded_before_its_row_is_written(plant, monkeypatch):
    plant.add(ONE)
    bring_up = deploy.bring_up

    def reconcile_in_between(*args, **kwargs):
        report = bring_up(*args, **kwargs)
        deploy.reconcile(plant.ctx)
        assert plant.loaded == {ONE}
        return report

    monkeypatch.setattr(deploy, "bring_up", reconcile_in_between)
    plant.publish(ONE)


class Crash(BaseException):
    """Stands for the end of the process."""


def crash(*args, **kwargs):
    raise Crash


@pytest.mark.parametrize(
    ("step", "serves"),
    [
        ("deploy.bring_up", ONE),
        ("decisions.adapters.move_adapter", ONE),  # inside the transaction
        ("deploy.reconcile", TWO),
        ("deploy.write_manifest", TWO),
        ("deploy._is_needed", TWO),  # before unloading
    ],
)
def test_a_crash_at_any_step_leaves_the_old_or_the_new_one_serving(plant, monkeypatch, step, serves):
    from feedback.store import decisions

    plant.add(ONE, TWO)
    plant.publish(ONE)
    module, _, name = step.partition(".")
    owner = {"deploy": deploy, "decisions": decisions}[module]
    with monkeypatch.context() as patch:
        patch.setattr(*reach(owner, name), crash)
        with pytest.raises(Crash):
            plant.publish(TWO)
    assert plant.state.canary == serves
    plant.restart_engine()
    plant.clock.advance(deploy.BRING_UP_GRACE.total_seconds())
    deploy.reconcile(plant.ctx)
    assert (plant.loaded, plant.manifest[2]) == ({serves}, serves)
    plant.publish(TWO)  # the rerun finishes
    assert (plant.state.canary, plant.loaded) == (TWO, {TWO})


def reach(owner, name):
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    return owner, last


KILLED = """
import os, sys
from pathlib import Path
from feedback import deploy
from feedback.clock import SystemClock
from feedback.policy import Policy
from feedback.store.session import open_engine
from serving.endpoint import Endpoint
from serving.fleet import Fleet
from serving.settings import ServingSettings

url, data_dir, engine_url, key, step, name = sys.argv[1:]
settings = ServingSettings(backend="cpu", data_dir=Path(data_dir), base_model=data_dir + "/no-base")
fleet = Fleet.from_endpoints([Endpoint(engine_url, key)], settings)
real = getattr(deploy, step)
setattr(deploy, step, lambda *args, **kwargs: os.kill(os.getpid(), 9))
ctx = deploy.Deployer(open_engine(url), lambda: fleet, settings, Path(data_dir), SystemClock(), Policy())
deploy.publish(ctx, name, role="canary", actor="t", reason="t")
"""


@pytest.mark.parametrize(("step", "serves"), [("Decision", ONE), ("follow", TWO), ("write_manifest", TWO)])
def test_a_publisher_that_is_killed_leaves_the_old_or_the_new_one_serving(plant, step, serves):
    plant.add(ONE, TWO)
    plant.publish(ONE)
    endpoint = plant.engine.endpoint
    url = plant.ctx.store_engine.url.render_as_string(hide_password=False)
    argv = [url, str(plant.ctx.data_dir), endpoint.url, endpoint.api_key, step, TWO]
    root = Path(deploy.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *argv],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    assert done.returncode == -9
    assert plant.state.canary == serves
    plant.publish(TWO)
    assert (plant.state.canary, plant.manifest[2], plant.loaded) == (TWO, TWO, {TWO})


def test_publishing_without_an_engine_changes_nothing(plant):
    plant.add(ONE)
    plant.ctx = replace(plant.ctx, fleet_factory=no_engine)
    with pytest.raises(EngineNotRunning):
        plant.publish(ONE)
    assert plant.state.fence == 0


def test_of_two_publishers_at_one_fence_one_wins(plant_on_both):
    plant = plant_on_both
    plant.add(ONE, TWO)

    def attempt(name):
        try:
            return plant.publish(name, expected_fence=0)
        except StaleFence:
            return "stale"

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(attempt, (ONE, TWO)))
    assert sorted(map(str, results)) == ["1", "stale"]
    winner = (ONE, TWO)[results.index(1)]
    assert (plant.state.canary, plant.state.fence) == (winner, 1)


def test_nobody_deploys_between_the_check_of_a_fence_and_its_decision(plant_on_both, monkeypatch):
    plant = plant_on_both
    plant.add(ONE, TWO)
    real, late = deployments.check_fence, []

    def check_then_dawdle(session, **kwargs):
        real(session, **kwargs)
        if not late:
            late.append(pool.submit(plant.publish, TWO, expected_fence=0))
            assert not wait(late, timeout=1).done

    monkeypatch.setattr(deployments, "check_fence", check_then_dawdle)
    with ThreadPoolExecutor(1) as pool:
        assert plant.publish(ONE, expected_fence=0) == 1
        with pytest.raises(StaleFence, match="the fence is 1 now"):
            late[0].result()
    assert (plant.state.canary, plant.state_of(TWO)) == (ONE, "passed")


@pytest.mark.parametrize(("share", "low", "high"), [(1.0, 1000, 1000), (0.0, 0, 0), (0.3, 240, 360)])
def test_a_conversation_sees_the_canary_by_its_share_and_keeps_it(share, low, high):
    state = ServingState(fence=1, live=ONE, canary=TWO, share=share)
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
