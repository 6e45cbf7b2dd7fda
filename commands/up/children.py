"""Child processes of `rejoinder up`: started in their own process group, restarted with back-off, never
left behind.

A child gets SIGTERM when its parent dies, whatever killed it (PR_SET_PDEATHSIG, Linux). The kernel ties
that to the thread that started the child, so `start` and `tick` are called from the main thread only, which
lives as long as the process.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from serving.engine.leftover import end_leftover, read_process_stat
from serving.files import write_atomically

PR_SET_PDEATHSIG = 1
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
HEALTHY_AFTER_S = 60.0  # a child that lived this long starts its next life without a wait

# Loaded before any fork: between fork and exec only a plain C call is safe.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Runs in the child between fork and exec."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def note_of(data_dir: Path, name: str) -> Path:
    """Where a child of this instance notes which process it is."""
    return data_dir / "logs" / f"{name}.process"


def end_left_behind(note: Path) -> None:
    """Ends a child whose parent was killed, and waits until it is gone; nothing where there is none."""
    try:
        pid, started = map(int, note.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return
    end_leftover(pid, started)
    note.unlink(missing_ok=True)


class Child:
    """One kept process: `start`, then `tick` every half second, then `stop`."""

    def __init__(
        self,
        name: str,
        argv: list[str],
        *,
        environment: dict[str, str],
        log: Path,
        say: Callable[[str, str], None],
        note: Path | None = None,
        directory: Path | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._argv = argv
        self._environment = environment
        self._log = log
        self._note = note
        self._say = say
        self._directory = directory
        self._timer = timer
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._wait = FIRST_WAIT_S
        self._restart_at: float | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        output: IO[bytes]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._argv,
                env={**os.environ, **self._environment},
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self._started = self._timer()
        self._restart_at = None
        if self._note is not None and (found := read_process_stat(self._process.pid)) is not None:
            write_atomically(self._note, f"{found.pid} {found.started}".encode(), mode=0o600)

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def tick(self) -> None:
        """Starts a dead child again once its wait is over; the wait doubles with every quick death."""
        if self.is_alive():
            return
        now = self._timer()
        if self._restart_at is None:
            self._end_group(signal.SIGKILL)  # what the dead child left behind
            self._wait = (
                FIRST_WAIT_S
                if now - self._started >= HEALTHY_AFTER_S
                else min(self._wait * 2, LONGEST_WAIT_S)
            )
            self._restart_at = now + self._wait
            code = self._process.returncode if self._process is not None else None
            self._say(
                self.name,
                f"ended with {describe_exit(code)}; starting again in {self._wait:.0f} s (log: {self._log})",
            )
        elif now >= self._restart_at:
            self.start()
            self._say(self.name, f"started again as process {self.pid}")

    def stop(self, *, grace_s: float) -> None:
        """SIGTERM, then SIGKILL to the whole group once the grace is over."""
        if self._process is None:
            return
        if self.is_alive():
            self._process.terminate()
            try:
                self._process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self._say(self.name, f"did not end within {grace_s:.0f} s: killed")
        self._end_group(signal.SIGKILL)
        self._process.wait()
        if self._note is not None:
            self._note.unlink(missing_ok=True)

    def _end_group(self, sign: signal.Signals) -> None:
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, sign)
        except (ProcessLookupError, PermissionError):
            pass

    def read_log_tail(self, lines: int = 8) -> str:
        """The last lines of the log, for a message about a failed start."""
        try:
            text = self._log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


def describe_exit(code: int | None) -> str:
    if code is None:
        return "no exit code"
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
