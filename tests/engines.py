"""Engines for tests: one real vLLM for the whole run, and fakes by the handful (see tests/conftest.py).

The real one serves demo/model where that is built, else a tiny random model. It is shared: a test that loads
an adapter gives it a name of its own (`adapter_names`) and must not depend on what else is loaded.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import serving.client.client
from serving.client.client import EngineClient
from serving.client.fake import FakeEngine
from serving.client.fleet import Fleet
from serving.engine.supervisor import Supervisor
from serving.settings import ServingSettings

serving.client.client._READY_TIMEOUT_S = 60.0  # a busy machine is no failure
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class RealEngine:
    """The running engine, and where its base model and its data directory are."""

    supervisor: Supervisor
    fleet: Fleet
    base: Path
    data_dir: Path
    settings: ServingSettings

    @property
    def client(self) -> EngineClient:
        return self.fleet.clients[0]


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny random model, built once."""
    from tests.serving.tiny_model import build_tiny_model

    return build_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def engine_base(request: pytest.FixtureRequest) -> Path:
    """The base model that the real engine serves."""
    demo = ROOT / "demo" / "model"
    if (demo / "config.json").is_file() and any(demo.glob("*.safetensors")):
        return demo
    return request.getfixturevalue("tiny_base")


@pytest.fixture(scope="session")
def real_engine(engine_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealEngine]:
    """A real vLLM under the real supervisor, started at the first test that asks for it."""
    data_dir = tmp_path_factory.mktemp("engine")
    settings = ServingSettings(
        data_dir=data_dir,
        base_model=str(engine_base),
        port=0,
        kv_cache_gib=0.25,
        max_loras=6,
        request_timeout_s=300,  # the machine may be busy
    )
    supervisor = Supervisor(settings, data_dir, lambda fleet: None)
    try:
        supervisor.start()
        fleet = supervisor.wait_ready()
        yield RealEngine(supervisor, fleet, engine_base, data_dir, supervisor.settings)
    finally:
        supervisor.stop()


@pytest.fixture(scope="session")
def real_fleet(real_engine: RealEngine) -> Fleet:
    return real_engine.fleet


@pytest.fixture
def fake_engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


@pytest.fixture
def fake_fleet(fake_engine: FakeEngine) -> Iterator[Fleet]:
    fleet = Fleet.from_endpoints([fake_engine.endpoint], ServingSettings(backend="cpu", request_timeout_s=30))
    yield fleet
    fleet.close()


@pytest.fixture(scope="session")
def adapter_names() -> Callable[[], str]:
    """Names for adapters that no other test of this run uses."""
    numbers = itertools.count(1)
    return lambda: f"tuned-20260102-{next(numbers)}"
