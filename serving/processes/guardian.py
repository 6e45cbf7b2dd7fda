"""The guardian of a child process: runs it in a group of its own and sees to it that nothing of the group
outlives the parent.

Run as `python -I serving/processes/guardian.py` with one end of a pair of sockets as standard input. The
parent writes what to run and reads the child's process number. When the parent closes its end, or dies in
whatever way, the guardian ends the whole group: politely, then by force. It ends as the child ended, restarts
nothing and prints nothing.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys

_LINE = 0  # the socket to the parent: standard input
_POLL_S = 0.25
_PR_SET_PDEATHSIG = 1

# Loaded before any fork: between fork and exec only a plain C call is safe.
_libc = ctypes.CDLL(None)


def guard_child(argv: list[str], grace_s: float, parent: int) -> int:
    """Runs the child and returns its exit code, negative for a signal. Ends it when the parent closes the
    socket or dies.
    """
    # SIGTERM and SIGINT to the guardian mean the same as a closed line.
    stopping = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stopping.append(received))
    child = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=_die_with_guardian if sys.platform == "linux" else None,
    )
    try:
        os.write(_LINE, f"{child.pid}\n".encode())
        while child.poll() is None:
            closed, _, _ = select.select([_LINE], [], [], _POLL_S)
            # The parent is compared as well: a process forked off it may hold its end open.
            if closed or stopping or os.getppid() != parent:
                _signal_group(child.pid, signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(grace_s)
                break
    finally:
        # Whatever ended the child's first process, its workers may live on and hold ports and memory.
        _signal_group(child.pid, signal.SIGKILL)
    return child.wait()


def _die_with_guardian() -> None:
    """Runs in the child between fork and exec: asks the kernel to end the child if even the guardian is
    killed.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _end_likewise(code: int) -> None:
    """Ends this process by the signal that ended the child, or with its exit code."""
    if code < 0:
        with contextlib.suppress(OSError):  # SIGKILL has no handler to put back
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    started_by = os.getppid()
    order = json.loads(sys.stdin.readline())
    _end_likewise(guard_child(order["argv"], order["grace_s"], started_by))
