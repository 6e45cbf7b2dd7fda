"""The process group of a child: its members, its end, and a note on disk by which a later start finds it
again.

It never ends a process that it is not sure of.
"""

import contextlib
import logging
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from serving.files import write_atomically

log = logging.getLogger(__name__)

_GRACE_S = 10.0
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class ProcessGroup:
    """A process group. `pid` is the number of its first process, and so the number of the group."""

    pid: int
    started: int
    """Kernel ticks from boot to the start of the first process. With `pid` they identify the process, even if
    the number is used again or the clock is set.
    """

    def list_members(self) -> list[int]:
        """The living processes of the group; empty if its number belongs to another process by now."""
        if read_start(self.pid) not in (None, self.started):
            return []
        return [pid for pid in psutil.pids() if self._holds(pid)]

    def _holds(self, pid: int) -> bool:
        try:
            if os.getpgid(pid) != self.pid or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return False
        except (OSError, psutil.Error):
            return False
        return (read_start(pid) or 0) >= self.started

    def end(self) -> bool:
        """Sends SIGTERM, then SIGKILL, and waits until the group is gone.

        Returns whether there was anything to end.
        """
        was_there = False
        for sign in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + _GRACE_S
            if self.list_members():
                was_there = True
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, sign)
            while self.list_members() and time.monotonic() < deadline:
                time.sleep(0.05)
        return was_there


def read_start(pid: int) -> int | None:
    """Kernel ticks from boot to the start of this process; None if there is no such process."""
    try:
        seconds: float = psutil.Process(pid).create_time() - psutil.boot_time()
        return round(seconds * _TICKS_A_SECOND)
    except psutil.Error:
        return None


def note_of(log_path: Path) -> Path:
    """The file that records the process group of the child that writes this log."""
    return log_path.with_suffix(".process")


def write_note(log_path: Path, group: ProcessGroup) -> None:
    write_atomically(note_of(log_path), f"{group.pid} {group.started}".encode(), mode=0o600)


def read_note(log_path: Path) -> ProcessGroup | None:
    try:
        pid, started = note_of(log_path).read_text(encoding="ascii").split()
        return ProcessGroup(int(pid), int(started))
    except (OSError, ValueError):
        return None


def end_leftover(log_path: Path) -> None:
    """Ends the processes that an earlier start of the child with this log left behind, and waits until they
    are gone.
    """
    group = read_note(log_path)
    if group is not None and group.end():
        log.warning("ended the process group %d that an earlier run left behind", group.pid)
    note_of(log_path).unlink(missing_ok=True)
