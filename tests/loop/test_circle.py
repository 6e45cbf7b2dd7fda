"""The circle on real parts: HTTP client -> set -> pick -> dataset -> run -> adapter in vLLM -> tuned candidates -> rollback."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session, select

from bench.instance import Service, open_turn, read_suggestions, running_service, wait_run
from demo.prompts import FIXED_PROMPTS
from demo.simulate import Progress, run_simulation
from feedback.store.session import open_engine
from feedback.store.tables import Adapter, Candidate, Dataset, Deployment, Judgement, SuggestionSet
from serving.client import Sampling
from serving.endpoint import read_endpoints
from serving.fleet import Fleet
from serving.settings import ServingSettings

pytestmark = pytest.mark.real
SETS = 160
GREEDY = Sampling(
    temperature=0.0,
    top_p=1.0,
    top_k=-1,
    min_p=0.0,
    repetition_penalty=1.0,
    presence_penalty=0.0,
    frequency_penalty=0.0,
    max_tokens=64,
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("circle") / "var") as running:
        yield running


def open_fleet(service: Service) -> Fleet:
    settings = ServingSettings(data_dir=service.data_dir)
    return Fleet.from_endpoints(read_endpoints(settings, service.data_dir), settings)


def draw_greedy(fleet: Fleet, model: str) -> list[str]:
    """One greedy reply to each of eight fixed prompts, one after the other on an idle engine."""
    return [
        fleet.draw(model=model, messages=messages, sampling=GREEDY, seed=1, n=1, chat_template_kwargs={})
        .replies[0]
        .text
        for messages in FIXED_PROMPTS[:8]
    ]


def read_arms(data_dir: Path, set_id: str) -> tuple[str, Counter[str]]:
    with Session(open_engine(f"sqlite:///{data_dir / 'rejoinder.db'}")) as session:
        design = session.exec(select(SuggestionSet.design).where(SuggestionSet.id == set_id)).one()
        arms = session.exec(select(Candidate.arm).where(Candidate.set_id == set_id)).all()
    return design, Counter(arms)


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
        assert arms["base"] == 2 and arms["tuned"] == 2 or arms["both"] >= 1
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
