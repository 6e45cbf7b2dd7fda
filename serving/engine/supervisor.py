"""One engine as a supervised child: checks, start, progress, readiness, restart with back-off, stop.

The engine runs under a guardian (`serving.engine.child`) in a process group of its own. Not for remote
engines: those are named in the settings and supervised elsewhere. What should be loaded is not known here:
`on_ready` is told after each start.
"""

import logging
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from serving.adapters.staging import write_zero_adapter
from serving.backend import resolve_backend
from serving.base import compute_base_id, list_linear_modules, resolve_base
from serving.client.client import EngineClient
from serving.client.endpoint import Endpoint, read_process, remove_endpoints, write_endpoints
from serving.client.fleet import Fleet
from serving.engine import child
from serving.engine.command import build_command, build_environment
from serving.engine.engine_log import describe_step, read_new_lines, read_tail, suggest_remedy
from serving.engine.leftover import end_leftover, read_process_stat
from serving.engine.preflight import check_memory, choose_port
from serving.errors import EngineDied, EngineNotReady, ServingError
from serving.settings import ServingSettings

log = logging.getLogger(__name__)

Progress = Callable[[str, float], None]
"""Told what the engine is doing, and the seconds since it was started."""

_POLL_S = 0.1
_LONGEST_BACK_OFF_S = 60.0
_STABLE_S = 120.0  # an engine that ran this long starts its back-off anew
_LOG_LIMIT_BYTES = 20 * 1024 * 1024


class Clock(Protocol):
    def now(self) -> datetime: ...


class Supervisor:
    def __init__(
        self,
        settings: ServingSettings,
        data_dir: Path,
        clock: Clock,
        on_ready: Callable[[Fleet], None],
    ) -> None:
        self.settings = settings
        self.data_dir = data_dir
        self.log_path = data_dir / "logs" / "engine.log"
        self.restarts = 0
        """Starts after the first one."""
        self._clock = clock
        self._on_ready = on_ready
        self._api_key = secrets.token_urlsafe(24)  # one for the supervisor's life: clients survive a restart
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._hung = threading.Event()
        self._failure: ServingError | None = None
        self._changed = threading.Condition()
        self._guardian: subprocess.Popen[bytes] | None = None
        self._engine_pid = 0
        self._thread: threading.Thread | None = None
        self._fleet: Fleet | None = None
        self._started_at = 0.0
        self._log_start = 0

    @property
    def endpoint(self) -> Endpoint:
        """Known after `start`, which may have chosen the port."""
        return Endpoint(f"http://{self.settings.host}:{self.settings.port}", self._api_key)

    @property
    def fleet(self) -> Fleet:
        """The one engine as a fleet, for callers in this process; closed by `stop`."""
        if self._fleet is None:
            raise RuntimeError("the supervisor was not started")
        return self._fleet

    def start(self) -> None:
        """Checks what can be checked and starts the engine; returns at once.

        Raises BaseModelUnknown, PortTaken or MemoryShort. Failures after that are raised by `wait_ready`.
        """
        base = resolve_base(self.settings.base_model, download=True)
        known = read_process(self.data_dir)
        if known is not None and end_leftover(*known):
            remove_endpoints(self.data_dir, pid=known[0])
        port = choose_port(self.settings.host, self.settings.port)
        self.settings = self.settings.model_copy(update={"port": port})
        zero = None
        if resolve_backend(self.settings) == "cpu":
            check_memory(self.settings, base)
            zero = (self.data_dir / "zero" / compute_base_id(base)[:16] / "weights").resolve()
            write_zero_adapter(base, zero)
        self._command = build_command(
            self.settings, base=base, lora_modules=list_linear_modules(base), zero_weights=zero
        )
        self._fleet = Fleet.from_endpoints([self.endpoint], self.settings)
        self._spawn()
        self._thread = threading.Thread(target=self._watch, name="engine-supervisor", daemon=True)
        self._thread.start()

    def wait_ready(self, progress: Progress | None = None) -> Fleet:
        """Blocks until the engine serves and `on_ready` has returned. Raises EngineDied or EngineNotReady."""
        told, step, place = -1, "starting", self._log_start
        while not self._ready.wait(_POLL_S):
            if self._failure is not None:
                raise self._failure
            lines, place = read_new_lines(self.log_path, place)
            step = describe_step(lines) or step
            elapsed = time.monotonic() - self._started_at
            if progress is not None and int(elapsed) != told:
                told = int(elapsed)
                progress(step, elapsed)
        return self.fleet

    def stop(self) -> None:
        """Ends the engine with everything it started and waits until it is gone. Repeating it is harmless."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(child.TERM_GRACE_S + 15)
        self._end_engine()
        if self._fleet is not None:
            self._fleet.close()

    def restart(self) -> None:
        """Ends an engine that runs and does nothing, and starts it again; returns at once."""
        self._hung.set()

    def _spawn(self) -> None:
        self._hung.clear()
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        if self.log_path.exists() and self.log_path.stat().st_size > _LOG_LIMIT_BYTES:
            self.log_path.replace(self.log_path.with_suffix(".log.1"))
        self._started_at = time.monotonic()
        with self.log_path.open("ab") as file:
            file.write(f"--- start {self._clock.now().isoformat()}\n".encode())
            file.flush()
            self._log_start = file.tell()
            self._guardian = self._spawn_guardian(file)
        self._engine_pid = _read_first_child(self._guardian)
        status = read_process_stat(self._engine_pid)
        write_endpoints(
            self.data_dir, [self.endpoint], pid=self._engine_pid, started=status.started if status else 0
        )

    def _spawn_guardian(self, log_file: IO[bytes]) -> "subprocess.Popen[bytes]":
        environment = build_environment(self.settings, self._api_key)
        return subprocess.Popen(
            [sys.executable, "-I", child.__file__, *self._command],
            stdin=subprocess.PIPE,
            stdout=log_file,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=self.data_dir,
            start_new_session=True,  # Ctrl-C at the terminal is for the supervisor to act upon
        )

    def _watch(self) -> None:
        """The supervisor's thread: from one start to the next until told to stop."""
        back_off = 1.0
        while not self._stop.is_set():
            failure = self._wait_for_health()
            if failure is None:
                self._announce()
                self._wait_for_end()
            if self._stop.is_set():
                break
            ran_s = time.monotonic() - self._started_at
            self._end_engine()
            if failure is not None and not self._ready.is_set():
                self._failure = failure  # the very first start: nothing to fall back on, so say it
                return
            back_off = 1.0 if ran_s > _STABLE_S else min(2 * back_off, _LONGEST_BACK_OFF_S)
            log.error("the engine ended after %.0f s; next start in %.0f s", ran_s, back_off)
            if self._stop.wait(back_off):
                break
            self.restarts += 1
            try:
                self._spawn()
            except OSError:
                log.exception("the engine could not be started again")
        self._end_engine()

    def _wait_for_health(self) -> ServingError | None:
        client = EngineClient(self.endpoint, timeout_s=self.settings.request_timeout_s)
        try:
            while not self._stop.wait(_POLL_S):
                code = self._guardian.poll() if self._guardian else 1
                if code is not None:
                    tail = read_tail(self.log_path, self._log_start)
                    return EngineDied(code, self.log_path, tail, suggest_remedy(tail))
                if client.is_ready():
                    return None
                if time.monotonic() - self._started_at > self.settings.ready_timeout_s:
                    return EngineNotReady(self.settings.ready_timeout_s, self.log_path)
            return None
        finally:
            client.close()

    def _announce(self) -> None:
        if self._stop.is_set():
            return
        log.info("the engine is ready after %.1f s", time.monotonic() - self._started_at)
        try:
            self._on_ready(self.fleet)
        except Exception:  # the edge of this thread: an engine without adapters still serves base
            log.exception("what follows the engine's start failed; the next reconciliation repeats it")
        self._ready.set()

    def _wait_for_end(self) -> None:
        while not self._stop.wait(_POLL_S):
            if self._hung.is_set() or self._guardian is None or self._guardian.poll() is not None:
                return

    def _end_engine(self) -> None:
        """Closes the guardian's pipe, which makes it end the group, and makes sure of it."""
        guardian, self._guardian = self._guardian, None
        if guardian is None:
            return
        assert guardian.stdin is not None
        guardian.stdin.close()
        try:
            guardian.wait(child.TERM_GRACE_S + 5)
        except subprocess.TimeoutExpired:
            guardian.kill()
            guardian.wait()
        status = read_process(self.data_dir)
        if status is not None and status[0] == self._engine_pid:
            end_leftover(*status)
            remove_endpoints(self.data_dir, pid=self._engine_pid)


def _read_first_child(guardian: "subprocess.Popen[bytes]") -> int:
    """Process id of what the guardian started; 0 where it ended before it started anything."""
    children = Path(f"/proc/{guardian.pid}/task/{guardian.pid}/children")
    while guardian.poll() is None:
        found = children.read_text().split()
        if found:
            return int(found[0])
        time.sleep(0.01)
    return 0
