"""Ending what an earlier start left behind, such as an engine, recognised by process group and start time.

Reads /proc, so it works on Linux only; elsewhere it finds nothing. Never ends a process it is not sure of.
"""

import logging
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

_PROC = Path("/proc")
_GRACE_S = 10.0


@dataclass(frozen=True)
class Process:
    pid: int
    group: int
    started: int
    """Kernel ticks since boot: together with the pid it names one process and no later one."""
    state: str


def read_process_stat(pid: int) -> Process | None:
    """None where there is no such process, or no /proc."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()  # the name before may hold spaces and brackets
    return Process(pid, group=int(fields[2]), started=int(fields[19]), state=fields[0])


def group_members(group: int, started: int) -> list[Process]:
    """Living members of the process group that began at `started` or after it.

    Empty when the group's first process is another one by now: then the number was given out again.
    """
    leader = read_process_stat(group)
    if leader is not None and leader.started != started:
        return []
    found = (
        [read_process_stat(int(entry.name)) for entry in _PROC.iterdir() if entry.name.isdigit()]
        if _PROC.is_dir()
        else []
    )
    return [
        one for one in found if one and one.group == group and one.started >= started and one.state != "Z"
    ]


def end_leftover(pid: int, started: int) -> bool:
    """Ends the process group that began with this process; returns whether there was one. Waits until it is
    gone.
    """
    if not group_members(pid, started):
        return False
    log.warning("ending the process group %d that an earlier run left behind", pid)
    for number, patience in ((signal.SIGTERM, _GRACE_S), (signal.SIGKILL, _GRACE_S)):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not group_members(pid, started):
                return True
            time.sleep(0.05)
    return True
