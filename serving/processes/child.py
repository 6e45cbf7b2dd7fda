"""A child process under a guardian: its start, its log, its end.

The guardian (serving/processes/guardian.py) ends the child's whole process group when this process closes the
socket to it, or dies. `serving.processes.kept` restarts children.
"""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from serving.processes import guardian
from serving.processes.group import ProcessGroup, end_leftover, note_of, read_start, write_note

_GUARDIAN_GRACE_S = 5.0
_TAIL_BYTES = 64 * 1024


class ChildProcess:
    """A child process: call `start`, then `poll` until it ends, then `stop`. It is not thread-safe."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        log_path: Path,
        grace_s: float,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        """`grace_s`: seconds between SIGTERM and SIGKILL.

        If `environment` is None, the child inherits this process's.
        """
        self.log_path = log_path
        self.pid = 0
        self._argv = argv
        self._grace_s = grace_s
        self._environment = environment
        self._directory = directory
        self._guardian: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._group: ProcessGroup | None = None
        self._log_start = 0

    def start(self) -> None:
        end_leftover(self.log_path)
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self._line, theirs = socket.socketpair()
        with theirs, self.log_path.open("ab") as output:
            self._log_start = output.tell()
            self._guardian = subprocess.Popen(
                [sys.executable, "-I", guardian.__file__],
                stdin=theirs.fileno(),
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._directory,
                start_new_session=True,  # Ctrl-C at the terminal is for the parent to act upon
            )
        order = {"argv": [*self._argv], "grace_s": self._grace_s}
        self._line.sendall(json.dumps(order).encode() + b"\n")
        self.pid = int(self._line.recv(32) or 0)  # nothing comes where the program could not be started
        started = read_start(self.pid)
        if started is not None:
            self._group = ProcessGroup(self.pid, started)
            write_note(self.log_path, self._group)

    def poll(self) -> int | None:
        """The exit code of the child, negative for a signal; None while it runs and before its start."""
        return self._guardian.poll() if self._guardian is not None else None

    def is_alive(self) -> bool:
        return self._guardian is not None and self._guardian.poll() is None

    def stop(self) -> None:
        """Ends the child and every process it started, and waits until they are gone.

        To call it again is harmless.
        """
        if self._guardian is None or self._line is None:
            return
        self._line.close()
        try:
            self._guardian.wait(self._grace_s + _GUARDIAN_GRACE_S)
        except subprocess.TimeoutExpired:
            self._guardian.kill()
            self._guardian.wait()
        if self._group is not None:
            self._group.end()
            self._group = None
            note_of(self.log_path).unlink(missing_ok=True)

    def read_tail(self) -> list[str]:
        """The last lines that the child has written to its log since its start."""
        try:
            with self.log_path.open("rb") as file:
                file.seek(max(self._log_start, file.seek(0, 2) - _TAIL_BYTES))
                return file.read().decode(errors="replace").splitlines()
        except OSError:
            return []


def describe_exit(code: int | None) -> str:
    if code is None:
        return "no exit code"
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
