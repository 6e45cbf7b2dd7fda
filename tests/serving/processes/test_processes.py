"""Child processes: started again when they die, and gone with all they started when they are stopped or their
parent is killed.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from commands.instance import require_port
from serving.processes.child import ChildProcess, describe_exit
from serving.processes.group import ProcessGroup, end_leftover, note_of, read_note, read_start
from serving.processes.kept import KeptProcess

ROOT = Path(__file__).resolve().parents[3]
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]


def wait_until(condition: Callable[[], bool], limit_s: float = 60) -> None:
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


# A program with a worker of its own that ignores the request to end, as engines have them.
FAMILY = [
    sys.executable,
    "-c",
    "import subprocess, sys, time\n"
    f"print(subprocess.Popen({STUBBORN!r}, stdout=subprocess.PIPE).stdout.readline(), flush=True)\n"
    "time.sleep(600)",
]


def make_kept(
    argv: list[str], folder: Path, said: list[str], timer: Timer | None = None, grace_s: float = 30
) -> KeptProcess:
    return KeptProcess(
        "sleeper",
        argv,
        environment=os.environ,
        log_path=folder / "child.log",
        grace_s=grace_s,
        say=lambda name, note: said.append(f"{name}: {note}"),
        **({} if timer is None else {"timer": timer}),
    )


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_dead_child_is_started_again_after_a_growing_wait(tmp_path: Path, said: list[str]) -> None:
    timer = Timer()
    child = make_kept(SLEEPER, tmp_path, said, timer)
    child.start()
    waits = []
    try:
        for lived in (0, 0, 59, 0, 0, 60):  # seconds; from 60 on the waits begin anew
            timer.now += lived
            dead = child.pid
            os.kill(dead, signal.SIGKILL)
            wait_until(lambda: not child.is_alive())
            began = timer.now
            assert not child.tick()
            while not child.tick():
                timer.now += 0.5
            waits.append(timer.now - began)
            assert child.pid != dead and child.is_alive()
    finally:
        child.stop()
    assert waits == [2, 4, 8, 16, 30, 1]
    assert said[0] == (
        f"sleeper: ended with signal SIGKILL; starting again in 2 s (log: {tmp_path / 'child.log'})"
    )
    assert said[-1] == f"sleeper: started again as process {child.pid}"


def test_stop_kills_what_ignores_the_request(tmp_path: Path, said: list[str]) -> None:
    child = make_kept(STUBBORN, tmp_path, said, grace_s=0.2)
    child.start()
    wait_until(lambda: child.read_tail() == ["up"])

    child.stop()

    assert not is_alive(child.pid) and child.poll() == -signal.SIGKILL
    assert said == ["sleeper: did not end within 0 s: killed"]


def test_stop_ends_what_the_child_started_too(tmp_path: Path, said: list[str]) -> None:
    child = make_kept(FAMILY, tmp_path, said)
    child.start()
    wait_until(lambda: len(child.read_tail()) == 1)
    family = read_note(child.log_path).list_members()
    assert len(family) == 2

    child.stop()

    assert not any(map(is_alive, family))
    assert said == [] and not note_of(child.log_path).exists()


def test_what_a_dead_child_left_is_ended_before_its_next_start(tmp_path: Path, said: list[str]) -> None:
    child = make_kept(FAMILY, tmp_path, said)
    child.start()
    wait_until(lambda: len(child.read_tail()) == 1)
    family = read_note(child.log_path).list_members()
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: not child.is_alive())
    child.tick()
    assert not any(map(is_alive, family))


def test_stopping_twice_or_before_the_start_is_harmless(tmp_path: Path, said: list[str]) -> None:
    child = make_kept(SLEEPER, tmp_path, said)
    child.stop()
    child.start()
    child.stop()
    child.stop()

    assert said == []


def test_exit_code_and_log_are_the_childs_own(tmp_path: Path) -> None:
    log = tmp_path / "made" / "child.log"
    for line, code in (("first", 7), ("second", 0)):
        child = ChildProcess(
            [sys.executable, "-c", f"print({line!r}); raise SystemExit({code})"], log_path=log, grace_s=5
        )
        child.start()
        wait_until(lambda child=child: not child.is_alive())
        child.stop()
        assert child.poll() == code
        assert child.read_tail() == [line]  # since its start
    assert log.read_text() == "first\nsecond\n"


def test_a_program_that_is_not_there_is_told_in_the_log(tmp_path: Path) -> None:
    child = ChildProcess([str(tmp_path / "absent")], log_path=tmp_path / "child.log", grace_s=5)
    child.start()
    wait_until(lambda: not child.is_alive())
    child.stop()
    assert child.poll() == 1 and "FileNotFoundError" in child.read_tail()[-1]


def test_a_long_log_of_a_kept_process_begins_anew(tmp_path: Path, said: list[str], monkeypatch) -> None:
    monkeypatch.setattr("serving.processes.kept._LOG_LIMIT_BYTES", 3)
    (tmp_path / "child.log").write_text("long")
    child = make_kept([sys.executable, "-c", "print('new')"], tmp_path, said)
    child.start()
    wait_until(lambda: not child.is_alive())
    child.stop()
    assert (tmp_path / "child.log").read_text() == "new\n"
    assert (tmp_path / "child.log.1").read_text() == "long"


KEEPER = (
    "import sys, time; from pathlib import Path; from serving.processes.child import ChildProcess\n"
    "child = ChildProcess({argv!r}, log_path=Path({log!r}), grace_s=5)\n"
    "child.start(); print(child.pid, flush=True); time.sleep(600)"
)


def start_keeper(argv: list[str], log: Path) -> tuple["subprocess.Popen[str]", int]:
    """Another program that keeps a child, and the child's process number."""
    keeper = subprocess.Popen(
        [sys.executable, "-c", KEEPER.format(argv=argv, log=str(log))],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert keeper.stdout is not None
    with keeper.stdout:
        return keeper, int(keeper.stdout.readline())


def test_the_whole_group_dies_with_a_killed_keeper(tmp_path: Path) -> None:
    log = tmp_path / "c.log"
    keeper, _ = start_keeper(FAMILY, log)
    wait_until(lambda: bool(log.read_text()))
    family = read_note(log).list_members()
    keeper.kill()
    keeper.wait()

    assert len(family) == 2
    wait_until(lambda: not any(map(is_alive, family)))


def test_the_next_start_waits_for_what_a_killed_keeper_left(tmp_path: Path) -> None:
    """A child that takes its time over SIGTERM holds a port meanwhile, as the web does."""
    log = tmp_path / "web.log"
    slow = (
        "import signal, socket, sys, time\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "def end(*_):\n    time.sleep(0.5)\n    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print(server.getsockname()[1], flush=True)\n"
        "time.sleep(600)"
    )
    keeper, _ = start_keeper([sys.executable, "-c", slow], log)
    wait_until(lambda: bool(log.read_text()))
    keeper.kill()
    keeper.wait()

    end_leftover(log)
    require_port("127.0.0.1", int(log.read_text()))
    assert not note_of(log).exists()
    end_leftover(log)  # nothing is left


def test_a_killed_guardian_takes_the_first_process_along_and_the_next_start_ends_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.processes.group._GRACE_S", 0.2)  # the worker ignores the request to end
    log = tmp_path / "c.log"
    keeper, pid = start_keeper(FAMILY, log)
    wait_until(lambda: bool(log.read_text()))
    family = read_note(log).list_members()
    psutil.Process(pid).parent().kill()
    wait_until(lambda: not is_alive(pid))
    keeper.kill()
    keeper.wait()
    assert [is_alive(each) for each in sorted(family)] == [False, True]

    child = ChildProcess(SLEEPER, log_path=log, grace_s=5)
    child.start()
    assert not any(map(is_alive, family)) and is_alive(child.pid)
    child.stop()


def test_stop_ends_what_a_killed_guardian_left(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.processes.group._GRACE_S", 0.2)
    child = make_kept(FAMILY, tmp_path, said)
    child.start()
    wait_until(lambda: len(child.read_tail()) == 1)
    family = read_note(child.log_path).list_members()
    psutil.Process(child.pid).parent().kill()
    wait_until(lambda: not child.is_alive())

    child.stop()

    assert len(family) == 2 and not any(map(is_alive, family))


def test_who_ended_and_was_not_waited_for_is_no_member(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    group = ProcessGroup(ended.pid, read_start(ended.pid))
    wait_until(lambda: not is_alive(ended.pid))
    assert group.list_members() == []
    ended.wait()


def test_a_process_number_that_was_given_out_again_is_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen(SLEEPER, start_new_session=True)
    try:
        started = read_start(other.pid)
        for moment in (started - 1, started + 1):
            note_of(tmp_path / "web.log").write_text(f"{other.pid} {moment}")
            end_leftover(tmp_path / "web.log")
            assert other.poll() is None
        reaper = threading.Thread(target=other.wait)
        reaper.start()
        assert ProcessGroup(other.pid, started).end()
        reaper.join()
        assert not ProcessGroup(other.pid, started).end()
    finally:
        other.kill()
        other.wait()


def test_exits_are_told_in_words() -> None:
    assert describe_exit(3) == "exit code 3"
    assert describe_exit(-15) == "signal SIGTERM"
    assert describe_exit(None) == "no exit code"
