"""The circle on real parts: set, pick, dataset, run, adapter in vLLM, tuned candidates, rollback."""

from collections import Counter

import pytest
from sqlmodel import select

from bench.instance import Service, new_event, open_customer_turn, read_suggestions
from demo.simulate import NightProgress, Serving, run_simulation
from feedback.store.tables import Adapter, Dataset, Deployment, Judgement
from tests.loop.looking import asking, generate_greedy, read_arms, reading

pytestmark = [pytest.mark.real, pytest.mark.alone]
SETS = 60


def test_the_circle_turns(service: Service) -> None:
    with asking(service) as fleet:
        before = generate_greedy(fleet, fleet.base_name)
    seen: list[NightProgress] = []

    (night,) = run_simulation(
        url=service.url, token=service.token, nights=1, sets=SETS, seed=3, workers=4, on_progress=seen.append
    )

    assert (night.run["state"], night.run["decision"]) == ("done", "passed"), night.run["reasons"]
    adapter = night.adapter
    assert adapter is not None
    assert night.serving == Serving(live=None, canary=adapter)
    assert night.support is not None and night.support["counted"] > 0

    with service.client() as client, asking(service) as fleet:
        assert adapter in fleet.list_models()
        assert generate_greedy(fleet, adapter) != before
        turn = open_customer_turn(client, "Hello, this is Emma. Where is my order QD-548?", language="en")
        after = read_suggestions(client, turn["turn_id"])
        assert after["state"] == "ready" and len(after["candidates"]) == 4
        assert adapter not in str(after) and "tuned" not in str(after)
        design, arms = read_arms(service, after["set_id"])
        assert design == "2+2"
        assert (arms["base"] == 2 and arms["tuned"] == 2) or arms["both"] >= 1

        rolled = client.post("/v1/rollback", json={"event_id": new_event(), "reason": "too curt"})
        assert rolled.status_code == 200, rolled.text
        turn = open_customer_turn(client, "Hello, this is Emma. Where is my order QD-549?", language="en")
        again = read_suggestions(client, turn["turn_id"])
        assert read_arms(service, again["set_id"]) == ("4+0", Counter(base=4))
        assert generate_greedy(fleet, fleet.base_name) == before


def test_the_store_tells_the_whole_story(service: Service) -> None:
    with reading(service) as session:
        adapter = session.exec(select(Adapter)).one()
        dataset = session.get(Dataset, adapter.dataset_id)
        judged = session.exec(select(Judgement.kind)).all()
        deployments = session.exec(select(Deployment).order_by(Deployment.fencing_token)).all()  # type: ignore[arg-type]
    assert adapter.state == "rolled_back"
    assert dataset is not None and (service.data_dir / "datasets" / dataset.id / "manifest.json").exists()
    assert len(judged) >= 2 * SETS * 0.9
    assert [row.adapter for row in deployments][:1] == [adapter.name]
    assert deployments[-1].adapter is None
