"""Calls about adapters: what serves, promote, roll back; a repeated event changes nothing a second time."""

from dataclasses import replace
from uuid import uuid4

import pytest

from feedback.deployment import deploy
from feedback.web.services import EXTENSION
from serving.errors import EngineNotRunning
from tests.feedback.desk import Desk, make_desk
from tests.feedback.plant import ONE, TWO, Plant, build, write_probe


@pytest.fixture
def plant(sqlite_engine, fake_engine, fake_fleet, tmp_path) -> Plant:
    return build(sqlite_engine, fake_engine, tmp_path, fake_fleet)


@pytest.fixture
def desk(plant, sqlite_engine, tmp_path) -> Desk:
    desk = make_desk(sqlite_engine, tmp_path)
    use(desk, plant.ctx)
    return desk


def use(desk: Desk, deployer: deploy.Deployer) -> None:
    found = desk.app.extensions[EXTENSION]
    desk.app.extensions[EXTENSION] = replace(found, deployer=deployer, fleet_factory=deployer.fleet_factory)


def test_promoting_and_listing(desk, plant):
    plant.add(ONE, TWO)
    plant.publish(ONE)
    answer = desk.post(f"/v1/adapters/{ONE}/promote", "admin", reason="70 % of 200 picks")
    assert (answer.status_code, answer.json) == (200, {"live": ONE, "fence": 3})
    shown = desk.get("/v1/adapters", "admin").json
    assert (shown["live"], shown["canary"], shown["fence"]) == (ONE, None, 3)
    states = {adapter["name"]: adapter["state"] for adapter in shown["adapters"]}
    assert all(
        (adapter["support"]["counted"], adapter["support"]["rate"]) == (0, None)
        for adapter in shown["adapters"]
    )
    assert states == {ONE: "live", TWO: "passed"}
    (history,) = [adapter["history"] for adapter in shown["adapters"] if adapter["name"] == ONE]
    last = history[-1]
    assert (last["to_state"], last["actor"], last["reason"]) == ("live", "ada", "70 % of 200 picks")


def test_a_repeated_rollback_goes_back_once(desk, plant):
    plant.add(ONE, TWO)
    plant.publish(ONE)
    plant.publish(TWO)
    event_id = str(uuid4())
    first = desk.post("/v1/rollback", "admin", event_id=event_id)
    again = desk.post("/v1/rollback", "admin", event_id=event_id)
    assert first.json == again.json == {"rolled_back": TWO, "serving": ONE, "fence": 3}
    assert (plant.state.canary, plant.loaded, plant.manifest) == (ONE, {ONE}, (3, None, ONE))


@pytest.mark.parametrize(
    ("state", "code"),
    [("refused", "adapter_state"), ("trained", "adapter_state"), ("passed", "adapter_not_fit")],
)
def test_what_may_not_serve_is_a_conflict(desk, plant, state, code):
    plant.add(ONE, state=state)
    write_probe(plant.ctx.data_dir / "adapters" / ONE, ONE, shift=1)
    answer = desk.post(f"/v1/adapters/{ONE}/promote", "admin")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, code)
    assert plant.state.fence == 0


def test_without_an_engine_promoting_says_so_and_rolling_back_works(desk, plant, tmp_path):
    plant.add(ONE, TWO)
    plant.publish(ONE)

    def no_engine():
        raise EngineNotRunning(tmp_path)

    use(desk, replace(plant.ctx, fleet_factory=no_engine))
    answer = desk.post(f"/v1/adapters/{TWO}/promote", "admin")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "engine_away")
    assert desk.post("/v1/rollback", "admin").json["serving"] is None


def test_unknown_adapters_and_empty_rollbacks(desk):
    answer = desk.post("/v1/adapters/tuned-20261122-9/promote", "admin")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "adapter_not_found")
    answer = desk.post("/v1/rollback", "admin")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "nothing_to_roll_back")


@pytest.mark.parametrize("role", ["agent", "expert", "app"])
def test_only_an_admin_sees_and_moves_adapters(desk, role):
    assert desk.get("/v1/adapters", role).status_code == 403
    assert desk.post(f"/v1/adapters/{ONE}/promote", role).status_code == 403
    assert desk.post("/v1/rollback", role).status_code == 403
