"""A child process that is started again when it dies, after waits that grow."""

import logging
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from serving.processes.child import ChildProcess, describe_exit

log = logging.getLogger(__name__)

FIRST_WAIT_S = 1.0
_LOG_LIMIT_BYTES = 20 * 1024 * 1024


class KeptProcess(ChildProcess):
    """A child that restarts: call `start`, then `tick` at least every half second, then `stop`.

    A log over 20 MiB is moved aside at the next start.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log_path: Path,
        grace_s: float,
        environment: Mapping[str, str],
        say: Callable[[str, str], None],
        longest_wait_s: float = 30.0,
        stable_s: float = 60.0,
        directory: Path | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """`say` is called at each death and restart. After a life of `stable_s` seconds the waits begin with
        the shortest again.
        """
        super().__init__(
            argv, log_path=log_path, grace_s=grace_s, environment=environment, directory=directory
        )
        self.name = name
        self._notify = say
        self._longest_wait_s = longest_wait_s
        self._stable_s = stable_s
        self._timer = timer
        self._started_at = 0.0
        self._wait = FIRST_WAIT_S
        self._restart_at: float | None = None

    @property
    def age_s(self) -> float:
        """Seconds since its last start."""
        return self._timer() - self._started_at

    def start(self) -> None:
        if self.log_path.exists() and self.log_path.stat().st_size > _LOG_LIMIT_BYTES:
            self.log_path.replace(self.log_path.with_name(f"{self.log_path.name}.1"))
        self._started_at = self._timer()
        self._restart_at = None
        super().start()

    def tick(self) -> bool:
        """Starts a dead process again once its wait is over, and returns whether it did. The wait doubles
        with every quick death.
        """
        if self.is_alive():
            return False
        now = self._timer()
        if self._restart_at is None:
            self.stop()  # what the dead one left behind
            has_lasted = now - self._started_at >= self._stable_s
            self._wait = FIRST_WAIT_S if has_lasted else min(2 * self._wait, self._longest_wait_s)
            self._restart_at = now + self._wait
            end = describe_exit(self.poll())
            self._say(f"ended with {end}; starting again in {self._wait:.0f} s (log: {self.log_path})")
        elif now >= self._restart_at:
            try:
                self.start()
            except OSError:  # no memory for a process, say: it counts as another quick death
                log.exception("%s could not be started again", self.name)
                return False
            self._say(f"started again as process {self.pid}")
            return True
        return False

    def stop(self) -> None:
        was_alive = self.is_alive()
        super().stop()
        if was_alive and self.poll() == -signal.SIGKILL:
            self._say(f"did not end within {self._grace_s:.0f} s: killed")

    def _say(self, note: str) -> None:
        log.warning("%s %s", self.name, note)
        self._notify(self.name, note)
