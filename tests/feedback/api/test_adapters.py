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
    first = desk.post("/v1/rollback", "admin", event_id=event_id, reason="too curt")
    again = desk.post("/v1/rollback", "admin", event_id=event_id, reason="too curt")
    assert first.json == again.json == {"rolled_back": TWO, "serving": ONE, "fence": 3}
    assert (plant.state.canary, plant.loaded, plant.manifest) == (ONE, {ONE}, (3, None, ONE))


@pytest.mark.parametrize(
    ("state", "code"),
    [("refused", "adapter_state"), ("trained", "adapter_state"), ("passed", "adapter_not_fit")],
)
def test_what_may_not_serve_is_a_conflict(desk, plant, state, code):
    plant.add(ONE, state=state)
    write_probe(plant.ctx.data_dir / "adapters" / ONE, ONE, shift=1)
    answer = desk.post(f"/v1/adapters/{ONE}/promote", "admin", reason="it passed")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, code)
    assert plant.state.fencing_token == 0


def test_without_an_engine_promoting_says_so_and_rolling_back_works(desk, plant, tmp_path):
    plant.add(ONE, TWO)
    plant.publish(ONE)

    def no_engine():
        raise EngineNotRunning(tmp_path)

    use(desk, replace(plant.ctx, fleet_factory=no_engine))
    answer = desk.post(f"/v1/adapters/{TWO}/promote", "admin", reason="it passed")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "engine_away")
    assert desk.post("/v1/rollback", "admin", reason="too curt").json["serving"] is None


def test_unknown_adapters_and_empty_rollbacks(desk):
    answer = desk.post("/v1/adapters/tuned-20261122-9/promote", "admin", reason="it passed")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "adapter_not_found")
    answer = desk.post("/v1/rollback", "admin", reason="too curt")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "nothing_to_roll_back")


@pytest.mark.parametrize("role", ["agent", "expert", "app"])
def test_only_an_admin_sees_and_moves_adapters(desk, role):
    assert desk.get("/v1/adapters", role).status_code == 403
    assert desk.post(f"/v1/adapters/{ONE}/promote", role).status_code == 403
    assert desk.post("/v1/rollback", role).status_code == 403


@pytest.mark.parametrize("said", [{}, {"reason": None}, {"reason": ""}, {"reason": " \n"}])
@pytest.mark.parametrize("path", [f"/v1/adapters/{ONE}/promote", "/v1/rollback"])
def test_nobody_promotes_or_rolls_back_without_a_reason(desk, plant, path, said):
    plant.add(ONE, TWO)
    plant.publish(ONE)
    answer = desk.post(path, "admin", **said)
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "body_invalid")
    assert "reason: " in answer.json["error"]["message"]
    assert plant.state.fencing_token == 1


@pytest.fixture
def twin_desk(plant_on_both, store_engine, tmp_path) -> Desk:
    desk = make_desk(store_engine, tmp_path)
    use(desk, plant_on_both.ctx)
    return desk


def test_a_rollback_sent_twice_takes_back_the_adapter_it_names_alone(twin_desk, plant_on_both):
    plant_on_both.add(ONE, TWO)
    plant_on_both.promote(ONE)
    plant_on_both.publish(TWO)
    answers = [
        twin_desk.post("/v1/rollback", "admin", adapter=TWO, reason=why) for why in ("rude", "rude, too")
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json == answers[1].json == {"rolled_back": TWO, "serving": ONE, "fence": 3}
    assert (plant_on_both.state.live, plant_on_both.state.canary) == (ONE, None)
    (two,) = [row for row in twin_desk.get("/v1/adapters", "admin").json["adapters"] if row["name"] == TWO]
    assert two["history"][-1]["reason"] == "rude"


def test_the_live_adapter_can_be_rolled_back_while_a_canary_serves(twin_desk, plant_on_both):
    plant_on_both.add(ONE, TWO)
    plant_on_both.promote(ONE)
    plant_on_both.publish(TWO)
    answer = twin_desk.post("/v1/rollback", "admin", adapter=ONE, reason="rude")
    assert answer.json == {"rolled_back": ONE, "serving": TWO, "fence": 3}


def test_what_never_served_is_not_rolled_back(desk, plant):
    plant.add(ONE, TWO)
    plant.publish(ONE)
    answer = desk.post("/v1/rollback", "admin", adapter=TWO, reason="rude")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "adapter_state")
    answer = desk.post("/v1/rollback", "admin", adapter="tuned-20261122-9", reason="rude")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "adapter_not_found")
    assert plant.state.canary == ONE
