"""The second engine: serves the one checkpoint that is wanted now, and ends when none is.

Same command and supervisor as the engine of the base, with a port and a log of its own. Which checkpoint is
wanted is for the caller to know, who tells it every few seconds.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from serving.adapters.staging import adapter_path
from serving.client.endpoint import SecondEngine, write_second_engine
from serving.engine.board import CheckpointBoard
from serving.engine.supervisor import Supervisor
from serving.errors import ServingError
from serving.processes.group import end_leftover
from serving.settings import ServingSettings

log = logging.getLogger(__name__)

TRY_AGAIN_S = 60.0
WHOLE_GPU = 0.95


class KeptCheckpoint:
    """Call `keep` again and again, from one thread at a time, then `stop`."""

    def __init__(
        self,
        settings: ServingSettings,
        data_dir: Path,
        say: Callable[[str, str], None],
        *,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._data_dir, self._say, self._timer = settings, data_dir, say, timer
        self._supervisor: Supervisor | None = None
        self._try_again_at: float | None = None
        self.name: str | None = None

    def keep(self, wanted: str | None) -> None:
        """Makes the engine serve the wanted checkpoint, or none. It does not wait for a start; a start that
        failed is tried again a minute later.
        """
        if wanted != self.name:
            self.stop()
            self.name = wanted
        if wanted is None:
            return
        if self._supervisor is not None and self._supervisor.failure is not None:
            self._give_up(wanted, self._supervisor.failure)
        if self._supervisor is None and (self._try_again_at or 0.0) <= self._timer():
            self._start(wanted)

    def stop(self) -> None:
        if self._supervisor is not None:
            self._supervisor.stop()
            log.info("the engine of checkpoint %s has ended", self.name)
        board = CheckpointBoard(self.name or "")
        end_leftover(self._data_dir / "logs" / f"{board.process}.log")  # of a start that was killed
        board.remove(self._data_dir)
        self._supervisor, self._try_again_at, self.name = None, None, None

    def _start(self, name: str) -> None:
        """Starts the engine on a free port. On a GPU it takes what the engine of the base leaves."""
        left = round(WHOLE_GPU - self._settings.gpu_memory_utilization, 2)
        settings = self._settings.model_copy(
            update={
                "base_model": str(adapter_path(self._data_dir, name)),
                "served_name": name,
                "port": 0,
                "gpu_memory_utilization": max(left, 0.01),
            }
        )
        self._supervisor = Supervisor(
            settings, self._data_dir, lambda fleet: None, self._say, CheckpointBoard(name)
        )
        try:
            self._supervisor.start()
            log.info("an engine is started for checkpoint %s", name)
        except (ServingError, OSError) as fault:
            self._give_up(name, fault)

    def _give_up(self, name: str, fault: Exception) -> None:
        if self._supervisor is not None:
            self._supervisor.stop()
        self._supervisor, self._try_again_at = None, self._timer() + TRY_AGAIN_S
        write_second_engine(self._data_dir, SecondEngine(name, fault=str(fault).splitlines()[0]))
        self._say("checkpoint", f"{name} cannot be served, base stands in: {fault}")
