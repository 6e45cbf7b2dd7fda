"""The service as `rejoinder up` starts it: a real training, killed by force, continued by the next start."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from feedback.clock import SystemClock
from feedback.deployment.policy import Policy
from feedback.store import runs
from feedback.store.engine import read
from serving.errors import EngineNotRunning
from serving.settings import ServingSettings
from tests.trainer.nights import ask, import_choices
from trainer.context import NightContext
from trainer.recipes.recipe import Measurement
from trainer.settings import TrainerSettings

ROOT = Path(__file__).parents[2]


def no_engine():
    raise EngineNotRunning("endpoint.json")


@pytest.fixture
def ctx(sqlite_engine, base, tmp_path):
    return NightContext(
        store_engine=sqlite_engine,
        data_dir=tmp_path,
        settings=TrainerSettings(),
        serving=ServingSettings(base_model=str(base)),
        fleet_factory=no_engine,
        clock=SystemClock(),
        desk_id="default",
        policy=Policy(),
    )


@contextmanager
def service(ctx):
    environment = {
        **os.environ,
        "REJOINDER_DATA_DIR": str(ctx.data_dir),
        "REJOINDER_SERVING__BASE_MODEL": ctx.serving.base_model,
        "REJOINDER_TRAINER__LEASE_S": "2",
        "REJOINDER_TRAINER__POLL_S": "0.1",
    }
    with (ctx.data_dir / "service.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "trainer"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_until(condition, log: Path, limit_s: float = 240):
    deadline = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.05)
    return found


def test_worker_killed_in_training_is_continued_by_the_next_start(ctx, recipe):
    log = ctx.data_dir / "service.log"
    small = recipe.model_copy(
        update={
            "epochs": 3,  # 36 steps or so, a checkpoint every 5
            "measurement": Measurement(
                max_prompts=2, samples_per_prompt=2, max_new_tokens=4, probe_prompts=2
            ),
        }
    )
    import_choices(ctx, 60)
    run_id = ask(ctx, request={"recipe": small.model_dump(mode="json")})
    checkpoints = ctx.run_dir(run_id) / "checkpoints"
    with service(ctx) as process:
        wait_until(lambda: list(checkpoints.glob("checkpoint-*/DONE")), log)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: not any(child.is_running() for child in children), log)
    assert ctx.read_run(run_id).state == "running"
    with service(ctx) as process:
        wait_until(lambda: ctx.read_run(run_id).state in runs.FINISHED, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    run = ctx.read_run(run_id)
    assert (run.state, run.decision, run.fencing_token) == ("done", "refused", 2), run.error
    assert '"resumed_from": "checkpoint-' in (ctx.run_dir(run_id) / "metrics.json").read_text()
    with read(ctx.store_engine) as session:
        steps = [metric.step for metric in runs.list_metrics(session, run_id=run_id, name="loss")]
    assert steps == sorted(set(steps))  # one value per step, though some were trained twice
