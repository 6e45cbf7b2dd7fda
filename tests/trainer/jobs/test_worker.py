"""Claims, children and leases with real processes; the child is a short script in place of a training."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from feedback.clock import SystemClock
from feedback.deployment.policy import Policy
from feedback.store import runs
from feedback.store.engine import unit_of_work
from serving.errors import EngineNotRunning
from serving.settings import ServingSettings
from tests.trainer.nights import ask
from trainer.context import NightContext
from trainer.jobs.worker import Worker, working
from trainer.settings import TrainerSettings

FINISH = """
import sys
from datetime import UTC, datetime
from feedback.store import runs
from feedback.store.engine import open_engine, unit_of_work

url, run_id, fencing_token, journal = sys.argv[1:]

def note(word):
    with open(journal, "a") as lines:
        lines.write(f"{word} {run_id}\\n")

note("start")
engine = open_engine(url)
with unit_of_work(engine) as session:
    runs.advance(session, run_id=run_id, token=int(fencing_token), step="collect")
note("end")
with unit_of_work(engine) as session:
    runs.finish_run(session, run_id=run_id, token=int(fencing_token), state="done", now=datetime.now(UTC))
"""
RACER = """
import sys, threading, time
from pathlib import Path
from tests.trainer.jobs.test_worker import finishing_worker, make_context
from feedback.store.engine import open_engine

url, folder = sys.argv[1], Path(sys.argv[2])
worker, stop = finishing_worker(make_context(open_engine(url), folder), url, folder), threading.Event()
print("ready", flush=True)
sys.stdin.readline()
while worker.step(stop) or not (folder / "enough").exists():
    time.sleep(0.01)  # both ask often; without a pause they would take every core from the runs
"""
NAP = "import time; print('about to nap', flush=True); time.sleep(600)"


def no_engine():
    raise EngineNotRunning("endpoint.json")


def make_context(store_engine, folder: Path, lease_s: float = 60) -> NightContext:
    return NightContext(
        store_engine=store_engine,
        data_dir=folder,
        settings=TrainerSettings(lease_s=lease_s, poll_s=0.05),
        serving=ServingSettings(),
        fleet_factory=no_engine,
        clock=SystemClock(),
        desk_id="default",
        policy=Policy(),
    )


def finishing_worker(ctx: NightContext, url: str, folder: Path) -> Worker:
    journal = str(folder / "journal")
    return Worker(
        ctx,
        command=lambda token: [
            sys.executable,
            "-c",
            FINISH,
            url,
            token.run_id,
            str(token.fencing_token),
            journal,
        ],
    )


def script_worker(ctx: NightContext, script: str) -> Worker:
    return Worker(ctx, command=lambda token: [sys.executable, "-c", script])


def wait_until(condition, limit_s: float = 240):
    deadline = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "never became true"
        time.sleep(0.02)
    return found


def child_of_run(ctx, run_id):
    """The child's pid, once its script has begun."""
    log = ctx.run_dir(run_id) / "log.txt"
    wait_until(lambda: log.exists() and "about to nap" in log.read_text())
    return next(child for child in psutil.Process().children(recursive=True) if NAP in child.cmdline())


@pytest.fixture
def ctx(sqlite_engine, tmp_path):
    return make_context(sqlite_engine, tmp_path)


def test_two_worker_processes_execute_each_run_once_and_one_at_a_time(ctx, tmp_path):
    url = str(ctx.store_engine.url)
    ids = [ask(ctx) for _ in range(4)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, url, str(tmp_path)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    try:
        for racer in racers:
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        wait_until(lambda: all(ctx.read_run(run_id).state == "done" for run_id in ids))
        (tmp_path / "enough").touch()
        assert [racer.wait(30) for racer in racers] == [0, 0]
    finally:  # a racer without an end would race on for ever
        for racer in racers:
            racer.kill()
            racer.communicate()
    lines = (tmp_path / "journal").read_text().splitlines()
    words = [line.split()[0] for line in lines]
    assert words == ["start", "end"] * 4  # never a start inside another run
    assert sorted(line.split()[1] for line in lines[::2]) == sorted(ids)
    assert [ctx.read_run(run_id).fencing_token for run_id in ids] == [1] * 4


def test_a_run_that_ended_well_logs_no_warning(sqlite_engine, tmp_path, caplog):
    """The child lives on for a while after its run is done, and the lease falls due for renewal meanwhile."""
    ctx = make_context(sqlite_engine, tmp_path, lease_s=0.5)
    run_id = ask(ctx)
    lingering = FINISH + "\nimport time\ntime.sleep(1)\nnote('gone')\n"
    journal = tmp_path / "journal"
    url = str(ctx.store_engine.url)
    worker = Worker(
        ctx,
        command=lambda token: [
            sys.executable, "-c", lingering, url, token.run_id, str(token.fencing_token), str(journal),
        ],
    )  # fmt: skip
    with caplog.at_level("INFO"):
        assert worker.step(threading.Event())
    assert ctx.read_run(run_id).state == "done"
    assert journal.read_text().split()[-2:] == ["gone", run_id]
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == []


def test_failed_child_ends_the_run_with_its_last_log_lines(ctx):
    run_id = ask(ctx)
    worker = script_worker(ctx, "print('shapes do not match'); raise SystemExit(1)")
    assert worker.step(threading.Event())
    run = ctx.read_run(run_id)
    assert run.state == "failed"
    assert (
        "code 1" in run.error and "shapes do not match" in run.error and "serving is unchanged" in run.error
    )


GOES_ON_ONCE = """
import sys
from pathlib import Path
folder = Path(sys.argv[1])
if not (folder / "trained").exists():
    (folder / "trained").write_text(sys.argv[2])
    raise SystemExit(5)
(folder / "published").write_text(sys.argv[2])
"""


def test_a_child_that_frees_its_memory_is_followed_by_another_under_the_same_claim(ctx, tmp_path):
    run_id = ask(ctx)
    worker = Worker(
        ctx,
        command=lambda token: [sys.executable, "-c", GOES_ON_ONCE, str(tmp_path), str(token.fencing_token)],
    )
    assert worker.step(threading.Event())
    assert [(tmp_path / name).read_text() for name in ("trained", "published")] == ["1", "1"]
    run = ctx.read_run(run_id)
    assert (run.state, run.fencing_token, run.given_back, run.error) == ("running", 1, 0, None)


def test_killed_child_gives_the_run_back_for_the_next_claim(ctx, tmp_path):
    run_id = ask(ctx)
    thread = threading.Thread(target=script_worker(ctx, NAP).step, args=(threading.Event(),))
    thread.start()
    child_of_run(ctx, run_id).send_signal(signal.SIGKILL)
    thread.join()
    assert ctx.read_run(run_id).state == "running"
    assert finishing_worker(ctx, str(ctx.store_engine.url), tmp_path).step(threading.Event())
    run = ctx.read_run(run_id)
    assert (run.state, run.fencing_token, run.given_back) == ("done", 2, 0)


def test_stopped_worker_ends_its_child_and_gives_the_run_back(ctx, tmp_path):
    run_id, stop = ask(ctx), threading.Event()
    thread = threading.Thread(target=script_worker(ctx, NAP).run, args=(stop,))
    thread.start()
    child = child_of_run(ctx, run_id)
    stop.set()
    thread.join()
    assert not child.is_running()
    assert ctx.read_run(run_id).given_back == 1
    assert finishing_worker(ctx, str(ctx.store_engine.url), tmp_path).step(threading.Event())
    assert ctx.read_run(run_id).state == "done"


def test_cancelled_run_ends_its_child(sqlite_engine, tmp_path):
    ctx = make_context(sqlite_engine, tmp_path, lease_s=0.6)  # renewed, and so noticed, every 0.2 s
    run_id, stop = ask(ctx), threading.Event()
    thread = threading.Thread(target=script_worker(ctx, NAP).run, args=(stop,))
    thread.start()
    child = child_of_run(ctx, run_id)
    with unit_of_work(ctx.store_engine) as session:
        runs.end_cancelled_run(session, desk_id="default", run_id=run_id, now=ctx.clock.now())
    wait_until(lambda: not child.is_running())
    stop.set()
    thread.join()
    assert ctx.read_run(run_id).state == "cancelled"


def test_lease_is_renewed_while_the_child_works(sqlite_engine, tmp_path):
    ctx = make_context(sqlite_engine, tmp_path, lease_s=1)
    run_id, stop = ask(ctx), threading.Event()
    thread = threading.Thread(target=script_worker(ctx, NAP).run, args=(stop,))
    thread.start()
    child_of_run(ctx, run_id)
    first = ctx.read_run(run_id).lease_until
    wait_until(lambda: ctx.read_run(run_id).lease_until > first)
    stop.set()
    thread.join()


def test_working_executes_runs_without_the_service(ctx):
    """The real child on an empty store: skipped, with its reason."""
    run_id = ask(ctx)
    with working(ctx):
        wait_until(lambda: ctx.read_run(run_id).state in runs.FINISHED)
    run = ctx.read_run(run_id)
    assert run.state == "skipped", run.error
    assert run.reasons[0]["code"] == "no_data"
