"""The worker: claims one run at a time, executes it in a child process, renews the lease, and records how it
ended.

However many workers are started, the store gives a run to one of them, and one run at a time. If the child
fails, the run ends as failed with the last lines of its log. If the child is killed, the run is given back,
and the next claim continues it. The worker itself trains nothing.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from feedback.errors import ApiError, StaleLease, StoreBusy
from feedback.lease import name_owner
from feedback.store import runs
from feedback.store.engine import unit_of_work
from feedback.store.runs import RunToken
from serving.processes.child import ChildProcess
from trainer.context import NightContext
from trainer.errors import ChildFailed
from trainer.jobs.webhook import deliver_due

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
TAKEN_OVER = 4  # what a child ends with whose run another worker has
GOES_ON = 5  # ... and one whose run goes on in another child, without the memory of this one
LOG_NAME = "log.txt"
TAIL_LINES = 20
GRACE_S = 5.0
POLL_S = 0.2

Command = Callable[[RunToken], list[str]]


class Worker:
    """A worker: `run(stop)` works until `stop` is set; `step(stop)` looks at the queue once."""

    def __init__(
        self, ctx: NightContext, *, config: Path | None = None, command: Command | None = None
    ) -> None:
        self._ctx = ctx
        self._config = config
        self._command = command or self._child_command
        self.owner = name_owner()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                found = self.step(stop)
            except StoreBusy as busy:
                log.warning("%s", busy)
                found = False
            if not found:
                stop.wait(self._ctx.settings.poll_s)

    def step(self, stop: threading.Event) -> bool:
        """Claims and executes one run; False if there was none to claim."""
        with unit_of_work(self._ctx.store_engine) as session:
            run = runs.claim_run(
                session,
                desk_id=self._ctx.desk_id,
                owner=self.owner,
                now=self._ctx.clock.now(),
                lease_s=self._ctx.settings.lease_s,
            )
            token = RunToken(run.id, run.fencing_token) if run else None
        if token is None:
            return False
        log.info("run %s claimed with fencing token %d", token.run_id, token.fencing_token)
        self._execute(token, stop)
        return True

    def _execute(self, token: RunToken, stop: threading.Event) -> None:
        child = ChildProcess(
            self._command(token),
            log_path=self._ctx.run_dir(token.run_id) / LOG_NAME,
            grace_s=GRACE_S,
            environment={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.getenv("PYTHONPATH")])),
            },
        )
        goes_on = True
        while goes_on:
            child.start()
            try:
                self._attend(child, token, stop)
            except StaleLease as lost:
                log.warning("%s", lost)
                return
            finally:
                child.stop()
            goes_on = child.poll() == GOES_ON and not stop.is_set()
        self._conclude(child, token, was_stopped=stop.is_set())

    def _attend(self, child: ChildProcess, token: RunToken, stop: threading.Event) -> None:
        """Renews the lease until the child has ended or `stop` is set."""
        renewed, has_ended = time.monotonic(), False
        while child.is_alive() and not stop.wait(POLL_S):
            if not has_ended and time.monotonic() - renewed >= self._ctx.settings.lease_s / 3:
                try:
                    self._renew(token, self._ctx.settings.lease_s)
                    renewed = time.monotonic()
                except StoreBusy as busy:  # two more tries before the lease ends
                    log.warning("%s", busy)
                except StaleLease:
                    has_ended = self._has_ended(token)  # by the child, which is about to end
                    if not has_ended:
                        raise

    def _conclude(self, child: ChildProcess, token: RunToken, *, was_stopped: bool) -> None:
        code = child.poll()
        assert code is not None
        try:
            if code == 0 or code == TAKEN_OVER:
                log.info("run %s: child ended with code %d", token.run_id, code)
            elif was_stopped or code < 0:
                # Killed, by us or from outside: what it finished is on disk, and the next claim continues.
                if was_stopped:
                    self._ctx.write_run(runs.give_back, token)
                else:
                    self._renew(token, 0)
                log.warning("run %s was interrupted (code %d) and will be continued", token.run_id, code)
            else:
                fault = ChildFailed(token.run_id, code, "\n".join(child.read_tail()[-TAIL_LINES:]))
                log.error("%s", fault)
                self._ctx.write_run(runs.finish_run, token, state="failed", error=str(fault))
        except StaleLease as lost:
            log.warning("%s", lost)

    def _has_ended(self, token: RunToken) -> bool:
        """Whether the run ended under this token, and was not taken over by another worker."""
        run = self._ctx.read_run(token.run_id)
        return run.fencing_token == token.fencing_token and run.state in runs.FINISHED

    def _renew(self, token: RunToken, lease_s: float) -> None:
        self._ctx.write_run(runs.renew_lease, token, lease_s=lease_s)

    def _child_command(self, token: RunToken) -> list[str]:
        command = [
            sys.executable,
            "-m",
            "trainer.jobs.child",
            token.run_id,
            "--fencing-token",
            str(token.fencing_token),
        ]
        command += ["--data-dir", str(self._ctx.data_dir.resolve())]
        return command + (["--config", str(self._config.resolve())] if self._config else [])


@contextmanager
def working(ctx: NightContext, *, config: Path | None = None) -> Iterator[Worker]:
    """A worker on a thread of this process for the duration of the block, beside any other worker.

    For `rejoinder train --now`: whichever worker claims the run executes it, so this works with and without
    the service. At the end it makes one attempt to call the webhook; if that fails, the service tries again
    at its next start.
    """
    worker, stop = Worker(ctx, config=config), threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), name="worker")
    thread.start()
    try:
        yield worker
    finally:
        stop.set()
        thread.join()
        try:
            deliver_due(ctx)
        except (ApiError, OSError) as fault:  # the run has ended as it should: nobody needs to know here
            log.warning("the webhook was not told: %s", fault)
