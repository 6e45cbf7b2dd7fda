"""The engine of `rejoinder up` leaves its card to a run and is back however the run ends: a stub engine under
the real supervisor, a real worker with a child that asks as a training does.
"""

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import Engine

from commands.frame import Frame
from commands.up.engine import KeptEngine
from commands.up.steps import Steps
from feedback.clock import SystemClock
from feedback.deployment.policy import Policy
from feedback.store import runs
from feedback.store.engine import open_engine, unit_of_work
from feedback.store.runs import RunToken
from serving.client.current import CurrentFleet
from serving.client.endpoint import read_endpoints
from serving.errors import EngineNotRunning, EngineResting
from serving.processes.group import read_note
from serving.settings import ServingSettings
from tests.serving.adapters.test_staging import base as base
from tests.serving.engine.test_supervisor import mode as mode
from tests.serving.processes.test_processes import wait_until
from tests.trainer.nights import ask
from trainer.context import NightContext
from trainer.errors import TrainerError
from trainer.jobs.card import CardLeft, await_return, keep_room, leave_card, make_room
from trainer.jobs.worker import GOES_ON, Worker
from trainer.settings import TrainerSettings

ROOT = Path(__file__).resolve().parents[3]
CHILD = [sys.executable, "-c", "from tests.commands.up.test_rests import train; train()"]
WORKER = [sys.executable, "-c", "from tests.commands.up.test_rests import work; work()"]


def make_context(store_engine: Engine, data_dir: Path, base: str) -> NightContext:
    serving = ServingSettings(base_model=base, port=0, backend="cpu", during_training="stop")
    return NightContext(
        store_engine=store_engine,
        data_dir=data_dir,
        settings=TrainerSettings(poll_s=0.05),
        serving=serving,
        fleet_factory=CurrentFleet(serving, data_dir),
        clock=SystemClock(),
        desk_id="default",
        policy=Policy(),
    )


def train() -> None:
    """The child: asks for the card, says that it has it, and ends as it is told to."""
    url, data_dir, base, how, run_id, fencing_token = sys.argv[1:]
    ctx = make_context(open_engine(url), Path(data_dir), base)
    token = RunToken(run_id, int(fencing_token))
    if (ctx.data_dir / "staged").exists():  # the child that publishes
        keep_room(ctx, token)
        await_return(ctx, token)
        assert ctx.fleet_factory().is_ready()
    else:
        make_room(ctx, token, None, None)  # type: ignore[arg-type]
        (ctx.data_dir / "trains").touch()
        wait_until((ctx.data_dir / "ends").exists)
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "failed":
        raise TrainerError("the losses are no numbers")
    if how == "published":
        (ctx.data_dir / "staged").touch()
        try:
            leave_card(ctx, token)
        except CardLeft:
            sys.exit(GOES_ON)
    if how != "cancelled":
        ctx.write_run(runs.finish_run, token, state="done")


def work() -> None:
    url, data_dir, base, how = sys.argv[1:]
    ctx = make_context(open_engine(url), Path(data_dir), base)
    make_worker(ctx, base, how).step(threading.Event())


def make_worker(ctx: NightContext, base: str, how: str) -> Worker:
    given = [ctx.store_engine.url.render_as_string(hide_password=False), str(ctx.data_dir), base, how]
    return Worker(ctx, command=lambda token: [*CHILD, *given, token.run_id, str(token.fencing_token)])


@pytest.fixture
def night(sqlite_engine, tmp_path, base, mode) -> Iterator[NightContext]:
    """The context of a trainer beside an engine that is kept and ready."""
    ctx = make_context(sqlite_engine, tmp_path, str(base))
    steps = Steps(Console(file=io.StringIO()))
    with KeptEngine(Frame(tmp_path, None), ctx.serving, sqlite_engine, warn=lambda *_: None) as kept:
        kept.start()
        kept.wait_ready(steps, threading.Event())
        yield ctx


def is_back(ctx: NightContext) -> bool:
    try:
        return ctx.fleet_factory().is_ready()
    except EngineNotRunning:
        return False


def list_engine(ctx: NightContext) -> list[int]:
    note = read_note(ctx.data_dir / "logs" / "engine.log")
    return note.list_members() if note is not None else []


def await_training(ctx: NightContext) -> None:
    wait_until((ctx.data_dir / "trains").exists)
    with pytest.raises(EngineResting) as told:
        read_endpoints(ctx.serving, ctx.data_dir)
    assert told.value.is_gone and list_engine(ctx) == []


@pytest.mark.parametrize(
    ("how", "state"),
    [
        ("failed", "failed"),
        ("killed", "running"),
        ("cancelled", "cancelled"),
        ("published", "done"),
    ],
    ids=lambda value: value,
)
def test_the_engine_is_gone_while_a_run_trains_and_back_however_it_ends(night, base, how, state):
    run_id, stop = ask(night), threading.Event()
    working = threading.Thread(target=make_worker(night, str(base), how).step, args=(stop,))
    working.start()
    await_training(night)
    if how == "cancelled":
        with unit_of_work(night.store_engine) as session:
            now = night.clock.now()
            runs.end_cancelled_run(session, desk_id="default", run_id=run_id, now=now)
        wait_until(lambda: is_back(night))  # the child may go on for a moment
    (night.data_dir / "ends").touch()
    working.join()
    run = night.read_run(run_id)
    assert (run.state, run.fencing_token) == (state, 2 if how == "cancelled" else 1)
    wait_until(lambda: is_back(night))
    if how == "killed":  # the next claim has the card again, before its child asks
        (night.data_dir / "trains").unlink()
        (night.data_dir / "ends").unlink()
        working = threading.Thread(target=make_worker(night, str(base), "done").step, args=(stop,))
        working.start()
        await_training(night)
        (night.data_dir / "ends").touch()
        working.join()
        assert night.read_run(run_id).state == "done"
        wait_until(lambda: is_back(night))


def test_the_engine_is_back_when_the_worker_itself_is_killed(night, base):
    ask(night)
    url = night.store_engine.url.render_as_string(hide_password=False)
    worker = subprocess.Popen([*WORKER, url, str(night.data_dir), str(base), "done"], cwd=ROOT)
    try:
        await_training(night)
    finally:
        worker.kill()
        worker.wait()
    wait_until(lambda: is_back(night))  # long before its claim of a minute is over
    assert len(list_engine(night)) == 2
