"""The supervised child, with a stub in vLLM's place: start, death, restart, and nothing left behind.

tests/contract and tests/serving/engine/test_real_engine.py run the same supervisor with the real engine.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from serving.client.endpoint import Endpoint, read_endpoints, write_endpoints
from serving.client.fleet import Fleet
from serving.engine.supervisor import Supervisor
from serving.errors import BaseModelUnknown, EngineDied, EngineNotReady, EnginePortTaken, MemoryShort
from serving.processes.group import read_note
from serving.pulse import Pulse, is_hung
from serving.settings import ServingSettings
from tests.serving.adapters.test_staging import base as base
from tests.serving.processes.test_processes import is_alive, wait_until

STUB = Path(__file__).with_name("stub_engine.py")


def list_group(data_dir: Path) -> list[int]:
    """The engine's first process and its worker."""
    known = read_note(data_dir / "logs" / "engine.log")
    return sorted(known.list_members()) if known is not None else []


class Rig:
    """A supervisor whose engine is the stub."""

    def __init__(self, data_dir: Path, base: Path, **settings) -> None:
        self.data_dir = data_dir
        self.ready_calls: list[list[str]] = []
        self.told: list[str] = []
        self.settings = ServingSettings(
            **{"base_model": str(base), "port": 0, "backend": "cpu", "kv_cache_gib": 0.0625, **settings}
        )
        self.supervisor = Supervisor(
            self.settings,
            data_dir,
            lambda fleet: self.ready_calls.append([fleet.base_name]),
            lambda name, note: self.told.append(f"{name} {note}"),
        )

    def group(self) -> list[int]:
        return list_group(self.data_dir)


@pytest.fixture
def mode(monkeypatch) -> Callable[[str], None]:
    """Chooses what the next engines do."""
    chosen = ["ok"]

    def build_command(settings, **_):
        return [sys.executable, str(STUB), str(settings.port), chosen[0]]

    monkeypatch.setattr("serving.engine.supervisor.build_command", build_command)
    return lambda name: chosen.__setitem__(0, name)


@pytest.fixture
def rig(tmp_path, base, mode):
    found = Rig(tmp_path / "data", base)
    (tmp_path / "data").mkdir()
    yield found
    found.supervisor.stop()


def test_engine_comes_up_and_is_announced(rig):
    told = []
    rig.supervisor.start()
    fleet = rig.supervisor.wait_ready(told.append)
    assert fleet.is_ready() and rig.ready_calls == [["zero"]]
    assert read_endpoints(rig.settings, rig.data_dir) == [rig.supervisor.endpoint]
    assert set(told) <= {"starting", "reading the model's configuration"}
    assert len(rig.group()) == 2  # the engine and its worker
    assert (
        f"worker {max(rig.group())} of {min(rig.group())} key True"
        in (rig.data_dir / "logs" / "engine.log").read_text()
    )
    (zero,) = (rig.data_dir / "zero").iterdir()
    assert (zero / "weights" / "adapter_model.safetensors").is_file()


def test_stop_leaves_no_process_no_port_and_no_endpoint(rig):
    rig.supervisor.start()
    rig.supervisor.wait_ready()
    group, port = rig.group(), rig.supervisor.settings.port
    rig.supervisor.stop()
    assert group and not any(map(is_alive, group))
    assert not (rig.data_dir / "endpoint.json").exists()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


def test_engine_that_ignores_the_request_to_end_is_killed(rig, mode, monkeypatch):
    mode("stubborn")
    rig.supervisor.start()
    rig.supervisor.wait_ready()
    group = rig.group()
    rig.supervisor.stop()
    assert len(group) == 2 and not any(map(is_alive, group))


def test_killed_engine_is_started_again_at_the_same_address(rig):
    rig.supervisor.start()
    fleet = rig.supervisor.wait_ready()
    first = rig.group()
    os.kill(first[0], signal.SIGKILL)
    wait_until(lambda: len(rig.ready_calls) == 2)
    assert fleet.is_ready()
    log = rig.data_dir / "logs" / "engine.log"
    assert rig.told == [
        f"engine ended with signal SIGKILL; starting again in 2 s (log: {log})",
        f"engine started again as process {rig.group()[0]}",
    ]
    assert not any(map(is_alive, first))  # its worker went with it
    assert len(rig.group()) == 2 and not set(first) & set(rig.group())


def test_hung_engine_is_noticed_and_started_again(rig):
    """Stopped, not ended: its port takes connections and nothing is answered."""
    rig.supervisor.start()
    fleet = rig.supervisor.wait_ready()
    first = rig.group()
    settings = rig.settings.model_copy(update={"request_timeout_s": 0.3})
    impatient = Fleet.from_endpoints([rig.supervisor.endpoint], settings)
    pulse = Pulse(settings, rig.data_dir, lambda: impatient, rig.supervisor.restart)
    os.kill(first[0], signal.SIGSTOP)
    pulse.beat()
    assert not is_hung(rig.data_dir)  # once may be a busy moment
    pulse.beat()
    assert is_hung(rig.data_dir)
    wait_until(lambda: len(rig.ready_calls) == 2)
    assert fleet.is_ready()
    assert not any(map(is_alive, first)) and len(rig.group()) == 2
    impatient.close()


def test_failure_of_what_follows_the_start_does_not_stop_the_engine(tmp_path, base, mode):
    def fail(fleet):
        raise RuntimeError("reconciliation failed")

    supervisor = Supervisor(ServingSettings(base_model=str(base), port=0, backend="cpu"), tmp_path, fail)
    supervisor.start()
    try:
        assert supervisor.wait_ready().is_ready()
    finally:
        supervisor.stop()


def test_engine_that_dies_at_its_start_is_told_with_its_last_words_and_a_remedy(rig, mode):
    mode("die")
    rig.supervisor.start()
    with pytest.raises(EngineDied) as caught:
        rig.supervisor.wait_ready()
    text = str(caught.value)
    assert caught.value.exit_code == 3 and "No space left on device" in text
    assert "The disk or /dev/shm is full" in text and "engine.log" in text
    assert not (rig.data_dir / "endpoint.json").exists() and not rig.ready_calls


def test_engine_that_never_gets_ready_is_ended(tmp_path, base, mode):
    mode("never")
    rig = Rig(tmp_path, base)
    rig.supervisor.start()
    wait_until(lambda: len(rig.group()) == 2)
    group = rig.group()
    rig.supervisor.settings = rig.supervisor.settings.model_copy(update={"ready_timeout_s": 2})
    with pytest.raises(EngineNotReady, match="not ready within 2 s"):
        rig.supervisor.wait_ready()
    rig.supervisor.stop()
    assert not any(map(is_alive, group))


def test_taken_port_is_told_before_anything_starts(tmp_path, base, mode):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        rig = Rig(tmp_path, base, port=other.getsockname()[1])
        with pytest.raises(EnginePortTaken, match=r"choose another port with \[serving\] port"):
            rig.supervisor.start()
    assert not (tmp_path / "logs").exists()


def test_short_memory_is_told_before_anything_starts(tmp_path, base, mode):
    rig = Rig(tmp_path, base, kv_cache_gib=1024)
    with pytest.raises(MemoryShort, match=r"about 1025\.2 GiB"):
        rig.supervisor.start()


def test_unknown_base_is_told_before_anything_starts(tmp_path, mode):
    with pytest.raises(BaseModelUnknown):
        Rig(tmp_path, tmp_path / "absent").supervisor.start()


PARENT = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import serving.engine.supervisor as supervisor
from serving.settings import ServingSettings
stub, data_dir, base = sys.argv[2:5]
supervisor.build_command = lambda settings, **_: [sys.executable, stub, str(settings.port), "ok"]
settings = ServingSettings(base_model=base, port=0, backend="cpu")
one = supervisor.Supervisor(settings, Path(data_dir), lambda fleet: None)
one.start()
one.wait_ready()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def parent(tmp_path, base):
    """Another program with a supervisor, which tests may kill."""
    arguments = [str(STUB.parents[3]), str(STUB), str(tmp_path), str(base)]
    program = subprocess.Popen([sys.executable, "-c", PARENT, *arguments], stdout=subprocess.PIPE)
    assert program.stdout is not None and program.stdout.readline() == b"ready\n"
    yield program
    program.kill()
    program.wait()
    program.stdout.close()


def test_engine_ends_when_its_supervisor_is_killed(parent, tmp_path):
    group = list_group(tmp_path)
    assert len(group) == 2
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(map(is_alive, group)))


def test_first_process_ends_even_when_the_guardian_is_killed_and_the_rest_at_the_next_start(
    parent, tmp_path, base, mode
):
    group = list_group(tmp_path)
    guardian = psutil.Process(group[0]).parent()
    parent.kill()  # no supervisor that would start another one
    guardian.kill()
    wait_until(lambda: not is_alive(group[0]))
    rig = Rig(tmp_path, base)
    rig.supervisor.start()
    rig.supervisor.wait_ready()
    assert not any(map(is_alive, group))
    rig.supervisor.stop()


def test_endpoint_file_of_an_engine_that_is_gone_is_replaced(rig):
    write_endpoints(rig.data_dir, [Endpoint("http://127.0.0.1:1", "old")])
    rig.supervisor.start()
    rig.supervisor.wait_ready()
    assert read_endpoints(rig.settings, rig.data_dir) == [rig.supervisor.endpoint]


def test_waiting_ends_when_nobody_wants_the_engine_any_more(rig, mode):
    mode("never")
    rig.supervisor.start()
    rig.supervisor.wait_ready(is_stopping=lambda: len(rig.group()) == 2)
    assert not rig.ready_calls
