"""A checkpoint in service: a second engine that speaks HTTP, the same rows, canary, sets and rollback."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from feedback.deployment import deploy
from feedback.deployment.checkpoints import await_engine
from feedback.deployment.deploy import RolledBack, find_wanted_checkpoint
from feedback.errors import CheckpointServes, CheckpointStarts
from feedback.store.engine import unit_of_work
from serving.adapters.check import hash_files
from serving.adapters.manifest import read_manifest
from serving.adapters.staging import adapter_path
from serving.client.current import CurrentFleet
from serving.client.endpoint import SecondEngine, remove_second_engine, write_endpoints, write_second_engine
from serving.client.fake import FakeEngine
from serving.client.fleet import Fleet
from serving.errors import CheckpointNotServed, ProbeFailed
from tests.feedback.api.test_adapters import use
from tests.feedback.builders import BASE_ID, add_adapter
from tests.feedback.desk import make_desk
from tests.feedback.plant import ONE, THREE, TWO, Plant, build, write_probe
from tests.feedback.set_desk import build as build_desk


class Second:
    """A plant whose second engine is kept by hand: what `rejoinder up` does is told and done in `keep`."""

    def __init__(self, plant: Plant) -> None:
        self.data_dir = plant.ctx.data_dir
        write_endpoints(self.data_dir, [plant.engine.endpoint])
        current, self._fleets = CurrentFleet(plant.ctx.settings, self.data_dir), []

        def find_fleet() -> Fleet:
            self._fleets.append(current())
            return self._fleets[-1]

        plant.ctx = replace(plant.ctx, fleet_factory=find_fleet, patience_s=0.1)
        self.plant, self.name, self.engine = plant, None, None

    def close(self) -> None:
        for fleet in self._fleets:
            fleet.close()

    def add(self, *names: str) -> None:
        for name in names:
            version = self.data_dir / "adapters" / name
            (version / "weights").mkdir(parents=True)
            for file in ("config.json", "model.safetensors"):
                (version / "weights" / file).write_text(name)
            hashes = hash_files(version / "weights", ("config.json", "model.safetensors"))
            (version / "manifest.json").write_text(json.dumps({"base_id": BASE_ID, "sha256": hashes}))
            write_probe(version, name)
            with unit_of_work(self.plant.ctx.store_engine) as session:
                add_adapter(session, name, "passed", is_checkpoint=True)

    def keep(self) -> str | None:
        wanted = find_wanted_checkpoint(self.plant.ctx, self.name)
        if wanted != self.name:
            self.stop()
        if wanted is not None and self.engine is None:
            self.name, self.engine = wanted, FakeEngine(served_name=wanted, zero_name=None)
            write_second_engine(self.data_dir, SecondEngine(wanted, self.engine.endpoint))
        return self.name

    def publish(self, name: str, **fields) -> int:
        """As people and nights do: the first try says that the engine is coming, the next finds it."""
        with pytest.raises(CheckpointStarts):
            self.plant.publish(name, **fields)
        assert self.keep() == name
        return self.plant.publish(name, **fields)

    def stop(self) -> None:
        if self.engine is not None:
            self.engine.close()
        remove_second_engine(self.data_dir)
        self.name = self.engine = None


@pytest.fixture
def second(sqlite_engine, fake_engine, fake_fleet, tmp_path):
    found = Second(build(sqlite_engine, fake_engine, tmp_path, fake_fleet))
    yield found
    found.stop()
    found.close()


def test_a_checkpoint_waits_for_its_engine_is_probed_and_becomes_canary(second):
    second.add(ONE)
    assert second.keep() is None
    second.publish(ONE)
    plant = second.plant
    assert (plant.state.canary, plant.state_of(ONE), plant.loaded) == (ONE, "canary", set())
    assert read_manifest(second.data_dir).missing == ()
    scored = [body["model"] for path, body in second.engine.requests if path == "/v1/completions"]
    assert scored == [ONE]
    assert "base" not in {body.get("model") for _, body in second.engine.requests}


def test_a_checkpoint_that_computes_something_else_does_not_serve(second):
    second.add(ONE)
    write_probe(second.data_dir / "adapters" / ONE, ONE, shift=0.5)
    with pytest.raises(ProbeFailed):
        second.publish(ONE)
    assert second.plant.state.canary is None
    second.plant.clock.advance(301)
    assert second.keep() is None


def test_a_second_checkpoint_is_refused_with_the_one_that_serves(second):
    second.add(ONE, TWO)
    second.publish(ONE)
    for role in ("canary", "live"):
        with pytest.raises(CheckpointServes, match=f"{TWO} cannot serve while checkpoint {ONE} does"):
            second.plant.publish(TWO, role=role)
    second.plant.promote(ONE)
    assert (second.plant.state.live, second.plant.state_of(TWO)) == (ONE, "passed")
    second.plant.add(THREE)
    second.plant.publish(THREE)  # an adapter may stand beside it
    assert second.keep() == ONE


def test_a_rollback_to_base_or_to_an_adapter_waits_for_no_engine(second):
    plant = second.plant
    second.add(TWO)
    plant.add(ONE)
    plant.publish(ONE)
    second.publish(TWO)
    second.engine.mode = "hang"  # nobody asks it
    assert plant.rollback() == RolledBack(TWO, ONE, 3)
    assert plant.state.canary == ONE
    assert second.keep() is None
    deploy.reconcile(plant.ctx)
    assert plant.loaded == {ONE}
    assert plant.rollback().to is None


def test_a_rollback_to_an_older_checkpoint_lets_base_stand_in_until_its_engine_serves(second):
    plant = second.plant
    second.add(ONE)
    plant.add(TWO)
    second.publish(ONE)
    plant.promote(ONE)
    plant.publish(TWO, role="live")
    plant.clock.advance(301)
    assert second.keep() is None
    assert plant.rollback().to == ONE
    assert read_manifest(second.data_dir).missing == (ONE,)
    assert second.keep() == ONE
    deploy.reconcile(plant.ctx)
    assert read_manifest(second.data_dir).missing == ()


def test_a_rollback_brings_no_second_checkpoint_back(second):
    """ONE was canary before the adapter TWO; meanwhile checkpoint THREE is live."""
    plant = second.plant
    second.add(ONE, THREE)
    plant.add(TWO)
    second.publish(ONE)
    plant.publish(TWO)
    plant.clock.advance(301)
    second.publish(THREE, role="live")
    plant.publish(TWO)
    assert plant.rollback() == RolledBack(TWO, THREE, plant.state.fencing_token)
    assert (plant.state.live, plant.state.canary) == (THREE, None)


def test_what_is_wanted_follows_rows_intentions_and_files(second):
    plant = second.plant
    second.add(ONE, TWO)
    with pytest.raises(CheckpointStarts):
        plant.publish(TWO)
    assert find_wanted_checkpoint(plant.ctx, None) == TWO
    plant.clock.advance(timedelta(seconds=plant.ctx.settings.ready_timeout_s).total_seconds() + 1)
    assert find_wanted_checkpoint(plant.ctx, TWO) is None
    second.publish(ONE)
    assert find_wanted_checkpoint(plant.ctx, None) == ONE
    weights = adapter_path(second.data_dir, ONE)
    weights.rename(weights.with_name("away"))
    assert find_wanted_checkpoint(plant.ctx, ONE) is None


def test_a_start_that_failed_is_told_at_once(tmp_path):
    write_second_engine(tmp_path, SecondEngine(ONE, fault="the engine needs about 9.0 GiB"))
    with pytest.raises(CheckpointNotServed, match=r"the engine needs about 9\.0 GiB"):
        await_engine(tmp_path, ONE, within_s=60)
    with pytest.raises(CheckpointStarts):
        await_engine(tmp_path, TWO, within_s=0.1)


def test_a_set_shows_two_replies_of_base_and_two_of_the_checkpoint(second, sqlite_engine, tmp_path):
    second.add(ONE)
    second.publish(ONE)
    desk = build_desk(sqlite_engine, second.plant.engine, tmp_path)
    desk.suggester._fleet_factory = second.plant.ctx.fleet_factory
    try:
        row = desk.prepare(desk.ask())
        cards = desk.read_candidates(row.id)
        assert (row.design, row.adapter) == ("2+2", ONE)
        assert Counter((card.arm, card.adapter) for card in cards) == {("base", None): 2, ("tuned", ONE): 2}
        assert all(card.token_ids for card in cards) and len({card.slot for card in cards}) == 4
        asked = [body["model"] for path, body in second.engine.requests if path == "/v1/chat/completions"]
        assert asked == [ONE] and {body["model"] for body in desk.asked()} == {"zero"}
        remove_second_engine(second.data_dir)  # it dies: base stands in, and nobody waits
        row = desk.prepare(desk.ask("And now?"))
        assert (row.state, {card.arm for card in desk.read_candidates(row.id)}) == ("ready", {"base"})
    finally:
        desk.close()


def test_a_page_says_that_the_engine_starts_and_which_checkpoint_stands_in_the_way(
    second, sqlite_engine, tmp_path
):
    second.add(ONE, TWO)
    desk = make_desk(sqlite_engine, tmp_path)
    use(desk, second.plant.ctx)

    def promote(name: str) -> tuple[int, str | None]:
        answer = desk.post(f"/v1/adapters/{name}/promote", "admin", reason="it passed")
        return answer.status_code, answer.json.get("error", {}).get("code")

    assert promote(ONE) == (409, "checkpoint_starts")
    assert second.keep() == ONE
    assert promote(ONE) == (200, None)
    assert promote(TWO) == (409, "checkpoint_serves")
    assert "checkpoint: a whole model" in desk.get(f"/console/adapters/{ONE}", "expert").text
