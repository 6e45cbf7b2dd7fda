"""A child's process group: who is in it, ending it, and the note by which a later start finds it again.

Never ends a process that it is not sure of.
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
    """The group that began with process `pid`, its number and that of the group."""

    pid: int
    started: int
    """Kernel ticks from boot to the first process's start: with its number they name one process and no later
    one, whatever the time of day is set to.
    """

    def list_members(self) -> list[int]:
        """Living processes of it. Empty where its number was given out again."""
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
        """SIGTERM, then SIGKILL; waits until it is gone. Returns whether there was anything to end."""
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
    """Ticks from boot to the start of this process; None where there is none."""
    try:
        seconds: float = psutil.Process(pid).create_time() - psutil.boot_time()
        return round(seconds * _TICKS_A_SECOND)
    except psutil.Error:
        return None


def note_of(log_path: Path) -> Path:
    """Where the child that writes this log has its group noted."""
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
    """Ends what an earlier start left of the child that writes this log, and waits until it is gone."""
    group = read_note(log_path)
    if group is not None and group.end():
        log.warning("ended the process group %d that an earlier run left behind", group.pid)
    note_of(log_path).unlink(missing_ok=True)
