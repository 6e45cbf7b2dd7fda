"""Runs one engine as a child process: checks, start, progress, readiness, restart, rest, stop.

Remote engines, which the settings name, are run by others. What should be loaded is not known here:
`on_ready` is called after each start.
"""

import logging
import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from serving.adapters.staging import write_zero_adapter
from serving.backend import resolve_backend
from serving.base import compute_base_id, resolve_base
from serving.client.client import EngineClient
from serving.client.endpoint import Endpoint
from serving.client.fleet import Fleet
from serving.dated_template import take_day
from serving.engine.board import MAIN, Board
from serving.engine.command import build_command, build_environment
from serving.engine.engine_log import describe_step, pick_last_words, suggest_remedy
from serving.engine.preflight import choose_port, require_memory, require_served
from serving.engine.rest import EngineRest
from serving.engine.sleep import fall_asleep, wake_up
from serving.errors import EngineDied, EngineNotReady, ServingError
from serving.facts.profile import read_profile
from serving.files import write_atomically
from serving.processes.group import end_leftover
from serving.processes.kept import KeptProcess
from serving.settings import ServingSettings

log = logging.getLogger(__name__)

TERM_GRACE_S = 8.0
_POLL_S = 0.1
_LONGEST_WAIT_S = 60.0
_STABLE_S = 120.0  # loading a model takes a while: an engine that ran this long starts its waits anew


def write_dated(base: Path, data_dir: Path) -> Path | None:
    """The file of the template that takes the day as an argument, if this base needs one."""
    text = take_day(read_profile(base).template.text)
    if text is None:
        return None
    path = (data_dir / "templates" / f"{compute_base_id(base)[:16]}.jinja").resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())
    return path


class Supervisor:
    def __init__(
        self,
        settings: ServingSettings,
        data_dir: Path,
        on_ready: Callable[[Fleet], None],
        say: Callable[[str, str], None] = lambda name, note: None,
        board: Board = MAIN,
    ) -> None:
        """`say` is called when the engine dies and when it is started again."""
        self.settings = settings
        self.data_dir = data_dir
        self._board = board
        self.log_path = data_dir / "logs" / f"{board.process}.log"
        self._on_ready = on_ready
        self._say = say
        self._api_key = secrets.token_urlsafe(24)  # one key for good: clients survive a restart
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._hung = threading.Event()
        self._rest = EngineRest(data_dir)
        self._failure: ServingError | None = None
        self._process: KeptProcess | None = None
        self._thread: threading.Thread | None = None
        self._fleet: Fleet | None = None

    @property
    def endpoint(self) -> Endpoint:
        """Where the engine listens. Call `start` first: it may choose the port."""
        return Endpoint(f"http://{self.settings.host}:{self.settings.port}", self._api_key)

    @property
    def fleet(self) -> Fleet:
        """The one engine as a fleet, for callers in this process; closed by `stop`."""
        if self._fleet is None:
            raise RuntimeError("the supervisor was not started")
        return self._fleet

    @property
    def failure(self) -> ServingError | None:
        """Why the very first start failed; None while it may still succeed."""
        return self._failure

    @property
    def is_resting(self) -> bool:
        return self._rest.is_on

    def start(self) -> None:
        """Checks what can be checked and starts the engine; returns at once.

        Raises BaseModelUnknown, BaseUnfit, EnginePortTaken or MemoryShort. `wait_ready` raises what fails
        after that.
        """
        base = resolve_base(self.settings.base_model, download=True)
        require_served(self.settings, base)
        end_leftover(self.log_path)
        self._board.remove(self.data_dir)
        port = choose_port(self.settings.host, self.settings.port)
        self.settings = self.settings.model_copy(update={"port": port})
        zero = None
        if resolve_backend(self.settings) == "cpu":
            require_memory(self.settings, base)
        if resolve_backend(self.settings) == "cpu" and self._board.takes_adapters:
            zero = (self.data_dir / "zero" / compute_base_id(base)[:16] / "weights").resolve()
            write_zero_adapter(base, zero)
        process = KeptProcess(
            self._board.process,
            build_command(
                self.settings,
                base=base,
                lora_modules=read_profile(base).adapter_layers if self._board.takes_adapters else (),
                zero_weights=zero,
                chat_template=write_dated(base, self.data_dir),
                takes_adapters=self._board.takes_adapters,
            ),
            environment=build_environment(self.settings, self._api_key),
            log_path=self.log_path,
            grace_s=TERM_GRACE_S,
            say=self._say,
            longest_wait_s=_LONGEST_WAIT_S,
            stable_s=_STABLE_S,
            directory=self.data_dir,
        )
        self._process = process
        self._fleet = Fleet.from_endpoints([self.endpoint], self.settings)
        is_started = not self._rest.is_on  # else a run has the card already
        if is_started:
            process.start()
            self._board.write_start(self.data_dir, self.endpoint)
        else:
            self._rest.mark_gone()
        self._thread = threading.Thread(
            target=self._watch, args=(process, is_started), name="engine-supervisor", daemon=True
        )
        self._thread.start()

    def wait_ready(
        self,
        progress: Callable[[str], None] = lambda step: None,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> Fleet:
        """Blocks until the engine serves and `on_ready` has returned, or until `is_stopping()`.

        Meanwhile calls `progress` with what the engine is doing. Raises EngineDied or EngineNotReady.
        """
        step = "starting"
        while not self._ready.wait(_POLL_S) and not is_stopping():
            if self._failure is not None:
                raise self._failure
            if self._process is not None:
                step = describe_step(self._process.read_tail()) or step
            progress("waiting for a run that trains on this card" if self._rest.is_on else step)
        return self.fleet

    def stop(self) -> None:
        """Ends the engine and every process it started, and waits until they are gone.

        To call it again is harmless.
        """
        self._stop.set()
        if self._thread is not None:
            self._thread.join(TERM_GRACE_S + 15)
        if self._process is not None:
            self._end_engine(self._process)
        if self._fleet is not None:
            self._fleet.close()

    def restart(self) -> None:
        """Restarts an engine that hangs; returns at once."""
        self._hung.set()

    def rest(self, until: datetime | None) -> None:
        """Frees the engine's card until `wake`; returns at once. Its callers are told that it rests, and
        until about when. To call it again is harmless.
        """
        if self._rest.begin(until):
            self._say("engine", "leaves the card to a run: agents write by hand meanwhile")

    def wake(self) -> None:
        """Ends a rest, if there is one: the engine is started again."""
        if self._rest.end():
            self._say("engine", "is started again: no run needs the card any more")

    def _watch(self, process: KeptProcess, is_started: bool) -> None:
        """The supervisor's thread: watches the engine and starts it again when it ends, until `stop` is
        called.
        """
        if not is_started:
            self._spend_rest(process)
        while not self._stop.is_set():
            failure = self._wait_for_health(process)
            if failure is None and not self._rest.is_on:
                self._announce(process)
                self._wait_for_end(process)
            if self._rest.is_on:
                self._spend_rest(process)
                continue
            self._end_engine(process)
            if failure is not None and not self._ready.is_set():
                self._failure = failure  # the very first start: nothing to fall back on, so say it
                return
            while not self._stop.wait(_POLL_S) and not self._rest.is_on:
                if process.tick():
                    self._hung.clear()
                    self._board.write_start(self.data_dir, self.endpoint)
                    break

    def _spend_rest(self, process: KeptProcess) -> None:
        """Lays the engine to sleep if it can, else ends it, and has it back at the end of the rest."""
        sleeps = self.settings.during_training == "sleep" and process.is_alive()
        is_asleep = sleeps and fall_asleep(self.endpoint)
        if not is_asleep:
            process.stop()
        self._rest.mark_gone()
        while self._rest.is_on:
            if self._stop.wait(_POLL_S):
                return
        if not (is_asleep and process.is_alive() and wake_up(self.endpoint)):
            process.stop()
            try:
                process.start()
            except OSError:  # no memory for a process, say: it is tried again as after a death
                log.exception("the engine could not be started after its rest")
        self._hung.clear()

    def _wait_for_health(self, process: KeptProcess) -> ServingError | None:
        client = EngineClient(self.endpoint, timeout_s=self.settings.request_timeout_s)
        try:
            while not self._stop.wait(_POLL_S) and not self._rest.is_on:
                code = process.poll()
                if code is not None:
                    tail = pick_last_words(process.read_tail())
                    shown = code if code >= 0 else 128 - code  # as shells have it
                    return EngineDied(shown, self.log_path, tail, suggest_remedy(tail))
                if client.is_ready():
                    return None
                if process.age_s > self.settings.ready_timeout_s:
                    return EngineNotReady(self.settings.ready_timeout_s, self.log_path)
            return None
        finally:
            client.close()

    def _announce(self, process: KeptProcess) -> None:
        if self._stop.is_set():
            return
        log.info("the %s is ready after %.1f s", self._board.process, process.age_s)
        self._board.write_ready(self.data_dir, self.endpoint)
        try:
            self._on_ready(self.fleet)
        except Exception:  # the edge of this thread: an engine without adapters still serves base
            log.exception("what follows the engine's start failed; the next reconciliation repeats it")
        self._ready.set()

    def _wait_for_end(self, process: KeptProcess) -> None:
        while not self._stop.wait(_POLL_S):
            if self._hung.is_set() or self._rest.is_on or not process.is_alive():
                return

    def _end_engine(self, process: KeptProcess) -> None:
        process.stop()
        self._board.remove(self.data_dir)
