"""The engine's guardian: runs the engine's command and sees to it that nothing of it outlives the supervisor.

Run as `python -I serving/engine/child.py COMMAND...` with the read end of a pipe as standard input. The
supervisor holds the other end and never writes; when it closes it, or dies in whatever way, the guardian ends
the engine's whole process group. Does not restart anything and prints only what the engine prints.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time

TERM_GRACE_S = 8.0
_POLL_S = 0.25
_PR_SET_PDEATHSIG = 1


def main(command: list[str]) -> int:
    """Exit code of the engine; 128 + signal where a signal ended it, as shells have it."""
    parent = os.getppid()
    # SIGTERM and SIGINT to the guardian mean the same as a closed pipe.
    stopping = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stopping.append(received))
    engine = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, process_group=0, preexec_fn=_die_with_guardian
    )
    try:
        while engine.poll() is None:
            closed, _, _ = select.select([0], [], [], _POLL_S)
            # The parent is compared as well: a process forked off the supervisor may hold the pipe open.
            if closed or stopping or os.getppid() != parent:
                _end_group(engine)
                break
    finally:
        # Whatever ended the engine's first process, its workers may live on and hold port and memory.
        _signal_group(engine.pid, signal.SIGKILL)
    code = engine.wait()
    return code if code >= 0 else 128 - code


def _die_with_guardian() -> None:
    """In the engine's first process: if even the guardian is killed, the kernel ends it.

    A core without its first process ends by itself within seconds.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _end_group(engine: "subprocess.Popen[bytes]") -> None:
    _signal_group(engine.pid, signal.SIGTERM)
    deadline = time.monotonic() + TERM_GRACE_S
    while engine.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
