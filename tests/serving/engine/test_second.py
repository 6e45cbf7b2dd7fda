"""The second engine, with a stub in vLLM's place: it comes and goes with what is wanted."""

from pathlib import Path

import pytest

from serving.client.endpoint import SecondEngine, read_second_engine
from serving.engine.command import build_command
from serving.engine.second import TRY_AGAIN_S, KeptCheckpoint
from serving.settings import ServingSettings
from tests.serving.adapters.test_staging import base as base
from tests.serving.engine.test_supervisor import mode as mode
from tests.serving.processes.test_processes import wait_until

ONE, TWO = "tuned-20260102-1", "tuned-20260102-2"


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def kept(tmp_path, base, mode, told, now):
    for name in (ONE, TWO):
        (tmp_path / "adapters" / name).mkdir(parents=True)
        (tmp_path / "adapters" / name / "weights").symlink_to(base)
    settings = ServingSettings(backend="cpu", kv_cache_gib=0.0625, port=8101)
    found = KeptCheckpoint(settings, tmp_path, lambda name, note: told.append(note), timer=lambda: now[0])
    yield found
    found.stop()


def wait_for(kept: KeptCheckpoint, folder: Path, what: str) -> SecondEngine:
    def look() -> bool:
        kept.keep(kept.name)
        found = read_second_engine(folder)
        return found is not None and getattr(found, what) is not None

    wait_until(look)
    found = read_second_engine(folder)
    assert found is not None
    return found


def test_it_serves_what_is_wanted_under_its_own_name_port_and_log(kept, tmp_path):
    kept.keep(None)
    assert read_second_engine(tmp_path) is None
    kept.keep(ONE)
    first = read_second_engine(tmp_path)
    assert first == SecondEngine(ONE) and str(first) == f"is being started for {ONE}"
    served = wait_for(kept, tmp_path, "endpoint")
    assert (served.name, str(served)) == (ONE, f"serves {ONE}")
    assert not served.endpoint.url.endswith(":8101")
    assert (tmp_path / "checkpoint.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "logs" / "checkpoint.log").is_file() and not (tmp_path / "zero").exists()
    kept.keep(TWO)
    assert read_second_engine(tmp_path).name == TWO
    kept.keep(None)
    assert read_second_engine(tmp_path) is None and kept.name is None


def test_a_start_that_failed_is_told_and_tried_again_a_minute_later(kept, tmp_path, mode, told, now):
    mode("die")
    kept.keep(ONE)
    failed = wait_for(kept, tmp_path, "fault")
    assert failed.fault.startswith("the engine ended with code 3") and failed.endpoint is None
    assert any("base stands in" in note for note in told)
    mode("ok")
    kept.keep(ONE)
    assert read_second_engine(tmp_path) == failed
    now[0] = TRY_AGAIN_S
    assert wait_for(kept, tmp_path, "endpoint").fault is None


@pytest.mark.parametrize("backend", ["cpu", "cuda"])
def test_its_command_takes_no_adapters_and_compiles_nothing_on_a_cpu(backend):
    settings = ServingSettings(backend=backend, served_name=ONE)
    command = build_command(settings, base=Path("/data/weights"), takes_adapters=False)
    assert not [word for word in command if "lora" in word]
    assert ("--enforce-eager" in command) == (backend == "cpu")
    assert command[command.index("--served-model-name") + 1] == ONE
