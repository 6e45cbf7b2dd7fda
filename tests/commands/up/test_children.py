"""Kept processes: restarted when they die, gone when stopped, gone when their keeper is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from commands.instance import require_port
from commands.up.children import Child, describe_exit, end_left_behind, note_of

ROOT = Path(__file__).resolve().parents[3]
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]


def wait_until(condition: Callable[[], bool], limit_s: float = 20) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.02)


class Timer:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def said() -> list[str]:
    return []


def make_child(argv: list[str], tmp_path: Path, said: list[str], timer: Timer | None = None) -> Child:
    options = {} if timer is None else {"timer": timer}
    say = lambda name, note: said.append(f"{name}: {note}")  # noqa: E731
    return Child("sleeper", argv, environment={}, log=tmp_path / "child.log", say=say, **options)


def test_dead_child_is_started_again_after_a_growing_wait(tmp_path: Path, said: list[str]) -> None:
    timer = Timer()
    child = make_child(SLEEPER, tmp_path, said, timer)
    child.start()
    first = child.pid
    try:
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not child.is_alive())
        child.tick()  # notices; a first quick death waits 2 s
        timer.now += 1.9
        child.tick()
        assert child.pid == first
        timer.now += 0.2
        child.tick()
        assert child.pid != first and child.is_alive()
    finally:
        child.stop(grace_s=5)
    assert said[0].startswith("sleeper: ended with signal SIGKILL; starting again in 2 s")
    assert said[1] == f"sleeper: started again as process {child.pid}"


def test_stop_kills_what_ignores_the_request(tmp_path: Path, said: list[str]) -> None:
    child = make_child(STUBBORN, tmp_path, said)
    child.start()
    wait_until(lambda: "up" in child.read_log_tail())

    child.stop(grace_s=0.2)

    assert not child.is_alive()
    assert said == ["sleeper: did not end within 0 s: killed"]


def test_stopping_twice_or_before_the_start_is_harmless(tmp_path: Path, said: list[str]) -> None:
    child = make_child(SLEEPER, tmp_path, said)
    child.stop(grace_s=1)
    child.start()
    child.stop(grace_s=5)
    child.stop(grace_s=5)

    assert said == []


def test_children_die_with_a_killed_keeper(tmp_path: Path) -> None:
    log = str(tmp_path / "c.log")
    keeper_script = (
        "import sys, time; from pathlib import Path; from commands.up.children import Child\n"
        f"child = Child('c', {SLEEPER!r}, environment={{}}, log=Path({log!r}), say=print)\n"
        "child.start(); print(child.pid, flush=True); time.sleep(600)"
    )
    keeper = subprocess.Popen(
        [sys.executable, "-c", keeper_script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert keeper.stdout is not None
    with keeper.stdout:
        pid = int(keeper.stdout.readline())
        keeper.kill()
        keeper.wait()

    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_the_next_start_waits_for_what_a_killed_keeper_left(tmp_path: Path) -> None:
    """A child that takes its time over SIGTERM holds a port meanwhile, as the web does."""
    note = note_of(tmp_path, "web")
    slow = (
        "import signal, socket, sys, time\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "def end(*_):\n    time.sleep(0.5)\n    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"open({str(tmp_path / 'port')!r} + '.new', 'w').write(str(server.getsockname()[1]))\n"
        f"import os; os.rename({str(tmp_path / 'port.new')!r}, {str(tmp_path / 'port')!r})\n"
        "time.sleep(600)"
    )
    keeper_script = (
        "import time; from pathlib import Path; from commands.up.children import Child, note_of\n"
        f"child = Child('web', {[sys.executable, '-c', slow]!r}, environment={{}}, "
        f"log=Path({str(tmp_path / 'c.log')!r}), note=note_of(Path({str(tmp_path)!r}), 'web'), say=print)\n"
        "child.start(); time.sleep(600)"
    )
    keeper = subprocess.Popen([sys.executable, "-c", keeper_script], cwd=ROOT)
    wait_until(lambda: (tmp_path / "port").exists() and note.exists())
    port = int((tmp_path / "port").read_text())
    keeper.kill()
    keeper.wait()

    end_left_behind(note)
    require_port("127.0.0.1", port)
    assert not note.exists()
    end_left_behind(note)  # nothing is left


def test_a_process_number_that_was_given_out_again_is_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen(SLEEPER, start_new_session=True)
    note = note_of(tmp_path, "web")
    note.parent.mkdir()
    note.write_text(f"{other.pid} 1")
    end_left_behind(note)
    assert other.poll() is None
    other.kill()
    other.wait()


def test_exits_are_told_in_words() -> None:
    assert describe_exit(3) == "exit code 3"
    assert describe_exit(-15) == "signal SIGTERM"
    assert describe_exit(None) == "no exit code"
