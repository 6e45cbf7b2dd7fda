"""The web's start beside a loading engine, the seeds of an empty store, and the lines of the start."""

import io
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from commands.frame import Frame
from commands.store import open_store
from commands.up.seeding import seed_demo
from commands.up.steps import Steps
from commands.up.web import wait_then_describe
from feedback.settings import FeedbackSettings
from feedback.store.engine import read
from feedback.store.turns import list_queue
from serving.client.current import CurrentFleet
from serving.client.endpoint import Endpoint, write_endpoints
from serving.client.fake import FakeEngine
from serving.settings import ServingSettings
from tests.serving.processes.test_processes import wait_until

NOW = datetime.now(UTC)
BASE = Path(__file__).resolve().parents[3] / "demo" / "model"


@pytest.fixture
def serving(tmp_path: Path) -> ServingSettings:
    return ServingSettings(data_dir=tmp_path, base_model=str(BASE), backend="cpu")


def test_first_set_waits_until_the_engine_serves(tmp_path: Path, serving: ServingSettings) -> None:
    fleet, closing, described = CurrentFleet(serving, tmp_path), threading.Event(), threading.Event()
    describe = wait_then_describe(serving, fleet, closing)
    thread = threading.Thread(target=lambda: (describe(), described.set()))
    thread.start()
    try:
        assert not described.wait(0.6)  # nobody has named an engine yet
        with FakeEngine() as engine:
            write_endpoints(tmp_path, [engine.endpoint])
            wait_until(described.is_set)
    finally:
        closing.set()
        thread.join()
        fleet.close()


def test_closing_ends_the_wait(tmp_path: Path, serving: ServingSettings) -> None:
    closing = threading.Event()
    closing.set()

    assert wait_then_describe(serving, CurrentFleet(serving, tmp_path), closing)().base_id


def test_fleet_follows_the_engine_to_another_port(tmp_path: Path, serving: ServingSettings) -> None:
    current = CurrentFleet(serving, tmp_path)
    write_endpoints(tmp_path, [Endpoint("http://127.0.0.1:1", "a")])
    first, same = current(), current()
    write_endpoints(tmp_path, [Endpoint("http://127.0.0.1:2", "b")])
    second = current()
    first.close()
    current.close()

    assert first is same and second is not first


def test_seeds_fill_an_empty_store_once(store: Path) -> None:
    with open_store(Frame(store, None)) as engine:
        settings = FeedbackSettings(data_dir=store)
        added, again = seed_demo(engine, settings), seed_demo(engine, settings)
        with read(engine) as session:
            queue = list_queue(session, desk_id="default", now=NOW, claim_minutes=10)

    assert (added, again) == (12, 0)
    assert len(queue) == 12
    assert {row.language for row in queue} == {"en", "zh"}


def test_a_step_says_its_time_and_a_failed_one_a_cross() -> None:
    seconds = iter([0.0, 1.0, 3.5, 4.0, 4.2])
    output = io.StringIO()
    steps = Steps(Console(file=output, width=100), timer=lambda: next(seconds))
    with steps.step("store") as step:
        step.note = "schema [1]"
    with pytest.raises(KeyError), steps.step("web"):
        raise KeyError

    lines = [" ".join(line.split()) for line in output.getvalue().splitlines()]
    assert lines == ["✓ store schema [1] 2.5 s", "✗ web failed 0.2 s"]
