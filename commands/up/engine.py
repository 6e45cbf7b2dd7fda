"""The engines in `rejoinder up`: vLLM under its supervisor, a second one while a checkpoint is wanted, and
the reconciler that loads the adapters of the deployments. While a run has the engine's card, both rest.

With remote replicas in the settings no child process is started, but the reconciler still runs.
"""

import logging
import threading
from collections.abc import Callable
from types import TracebackType

from sqlalchemy import Engine

from commands.deployer import make_deployer
from commands.frame import Frame
from commands.up.steps import Steps
from feedback.deployment.deploy import find_wanted_checkpoint, reconcile
from feedback.errors import ApiError
from feedback.store.engine import read
from feedback.store.rests import find_rest
from feedback.store.tables import DEFAULT_DESK
from serving.adapters.manifest import read_manifest
from serving.client.current import CurrentFleet
from serving.engine.second import KeptCheckpoint
from serving.engine.supervisor import Supervisor
from serving.errors import ServingError
from serving.pulse import Pulse
from serving.settings import ServingSettings

log = logging.getLogger(__name__)

RECONCILE_EVERY_S = 5.0
REMOTE_POLL_S = 1.0
REST_POLL_S = 1.0


class KeptEngine:
    """A context manager, entered before `start`; leaving it always stops engine and reconciler."""

    def __init__(
        self,
        frame: Frame,
        settings: ServingSettings,
        store_engine: Engine,
        *,
        warn: Callable[[str, str], None],
    ) -> None:
        self._frame = frame
        self._settings = settings
        self._warn = warn
        self._fleet = CurrentFleet(settings, frame.data_dir)
        self._deployer = make_deployer(frame, settings, self._fleet, store_engine)
        self._supervisor: Supervisor | None = None
        self._checkpoint = KeptCheckpoint(settings, frame.data_dir, warn)
        self._pulse = Pulse(settings, frame.data_dir, self._fleet, self._restart_hung)
        self._ended = threading.Event()
        self._reconciling = threading.Lock()
        self._thread = threading.Thread(target=self._reconcile_often, name="reconciler", daemon=True)
        self._lease_s = frame.trainer().lease_s
        self._rests: threading.Thread | None = None

    def __enter__(self) -> "KeptEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._pulse.close()
        for thread in (self._thread, self._rests):
            if thread is not None and thread.is_alive():
                thread.join(timeout=10)
        with self._reconciling:
            self._checkpoint.stop()
        if self._supervisor is not None:
            self._supervisor.stop()
        self._fleet.close()

    def start(self) -> None:
        """Starts the engine and returns. Raises for what is known beforehand (no model, little memory)."""
        self._checkpoint.stop()  # what a killed start left behind
        if not self._settings.replicas:
            self._supervisor = Supervisor(
                self._settings, self._frame.data_dir, lambda fleet: self._reconcile(), self._warn
            )
            self._heed_rest(self._supervisor)
            self._supervisor.start()
            given = (self._supervisor,)
            self._rests = threading.Thread(target=self._heed_rests, args=given, name="rests", daemon=True)
            self._rests.start()

    def wait_ready(self, steps: Steps, stopping: threading.Event) -> None:
        """Shows the engine's progress until it serves. Raises EngineStartFailed with the log's last lines."""
        with steps.step("engine") as step:
            if self._supervisor is not None:
                self._supervisor.wait_ready(step.report, stopping.is_set)
            else:
                self._wait_for_remote(step.report, stopping)
            step.note = (
                "stopped while starting" if stopping.is_set() else f"{self._settings.base_model} serves"
            )
        if not stopping.is_set():
            with steps.step("adapters") as step:
                self._reconcile()
                step.note = self._describe_loaded()
            self._thread.start()
            self._pulse.start()

    def _restart_hung(self) -> None:
        if self._supervisor is None:
            self._warn("engine", f"gives no token: look at {', '.join(self._settings.replicas)}")
        else:
            self._warn("engine", "gives no token: it is started again")
            self._supervisor.restart()

    def _heed_rest(self, supervisor: Supervisor) -> None:
        """Lets the engine rest while a run has its card, and no longer."""
        try:
            with read(self._deployer.store_engine) as session:
                now = self._deployer.clock.now()
                rest = find_rest(session, desk_id=DEFAULT_DESK, now=now, lease_s=self._lease_s)
        except ApiError as busy:  # the store does not answer: what holds goes on
            log.info("whether a run has the card is not known: %s", busy)
            return
        if rest is not None:
            if self._checkpoint.name is not None:
                with self._reconciling:
                    self._checkpoint.stop()  # before the run hears that the card is free
            supervisor.rest(rest.until)
        else:
            supervisor.wake()

    def _heed_rests(self, supervisor: Supervisor) -> None:
        while not self._ended.wait(REST_POLL_S):
            try:
                self._heed_rest(supervisor)
            except Exception:  # outermost handler of this thread: the next round tries again
                log.exception("rests could not be heeded")

    def _wait_for_remote(self, report: Callable[[str], None], stopping: threading.Event) -> None:
        while not self._fleet().is_ready():
            report(f"waiting for {', '.join(self._settings.replicas)}")
            if stopping.wait(REMOTE_POLL_S):
                return

    def _describe_loaded(self) -> str:
        manifest = read_manifest(self._frame.data_dir)
        named = [name for name in (manifest.live, manifest.canary) if name] if manifest else []
        return f"loaded: {', '.join(named)}" if named else "none yet: base alone serves"

    def _reconcile(self) -> None:
        with self._reconciling:
            if self._ended.is_set():
                return
            if self._supervisor is not None and not self._supervisor.is_resting:
                self._checkpoint.keep(find_wanted_checkpoint(self._deployer, self._checkpoint.name))
            reconcile(self._deployer)

    def _reconcile_often(self) -> None:
        """Every few seconds loads the adapters that deployments name and unloads all others."""
        while not self._ended.wait(RECONCILE_EVERY_S):
            try:
                self._reconcile()
            except ServingError as fault:  # the engine does not answer: the supervisor restarts it
                log.info("not reconciled: %s", fault)
            except Exception:  # outermost handler of this thread: the next round tries again
                log.exception("reconciliation failed")
