"""The circle on real parts: set, pick, dataset, run, adapter in vLLM, tuned candidates, rollback."""

from collections import Counter

import pytest
from sqlmodel import Session, select

from bench.instance import Service, open_turn, read_suggestions, wait_run
from demo.simulate import Progress, run_simulation
from feedback.store.session import open_engine
from feedback.store.tables import Adapter, Dataset, Deployment, Judgement
from tests.loop.looking import draw_greedy, open_fleet, read_arms

pytestmark = pytest.mark.real
SETS = 80


def test_the_circle_turns(service: Service) -> None:
    fleet = open_fleet(service)
    before = draw_greedy(fleet, fleet.base_name)
    seen: list[Progress] = []

    simulation = run_simulation(
        url=service.url, token=service.token, nights=1, sets=SETS, seed=3, workers=4, on_progress=seen.append
    )

    night = simulation.nights[0]
    assert night.run["state"] == "done", night.run
    assert night.run["decision"] == "passed", night.run
    adapter = night.adapter
    assert adapter is not None and adapter in fleet.list_models()
    assert night.support is not None and night.support["counted"] > 0

    with service.client() as client:
        turn = open_turn(client, "Hello, this is Emma. Where is my order QD-548?", language="en")
        after = read_suggestions(client, turn["turn_id"])
        assert after["state"] == "ready" and len(after["candidates"]) == 4
        design, arms = read_arms(service.data_dir, after["set_id"])
        assert design == "2+2"
        assert (arms["base"] == 2 and arms["tuned"] == 2) or arms["both"] >= 1
        assert draw_greedy(fleet, adapter) != before
        assert adapter not in str(after) and "tuned" not in str(after)

        rolled = client.post("/v1/rollback", json={"event_id": "6a9d5f0c-0b0e-4f6e-9a53-0c6d7c1b0a01"})
        assert rolled.status_code == 200, rolled.text
        turn = open_turn(client, "Hello, this is Emma. Where is my order QD-549?", language="en")
        again = read_suggestions(client, turn["turn_id"])
        assert read_arms(service.data_dir, again["set_id"]) == ("4+0", Counter(base=4))
    assert draw_greedy(fleet, fleet.base_name) == before


def test_the_store_tells_the_whole_story(service: Service) -> None:
    with Session(open_engine(f"sqlite:///{service.data_dir / 'rejoinder.db'}")) as session:
        adapter = session.exec(select(Adapter)).one()
        dataset = session.get(Dataset, adapter.dataset_id)
        judged = session.exec(select(Judgement.kind)).all()
        deployments = session.exec(select(Deployment).order_by(Deployment.fence)).all()  # type: ignore[arg-type]
    assert adapter.state == "rolled_back"
    assert dataset is not None and (service.data_dir / "datasets" / dataset.id / "manifest.json").exists()
    assert len(judged) >= 2 * SETS * 0.9
    assert [row.adapter for row in deployments][:1] == [adapter.name]
    assert deployments[-1].adapter is None


def test_too_little_new_data_is_a_clean_no_op(service: Service) -> None:
    with service.client() as client:
        for _ in range(2):
            asked = client.post("/v1/runs", json={"event_id": "2f0b9c1e-5f35-4f1e-8a8b-6a3c9f9f0c02"})
            assert asked.status_code == 202, asked.text
        run = wait_run(client, asked.json()["run_id"])
    assert run["state"] in ("skipped", "done")
