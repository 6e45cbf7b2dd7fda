"""Allows one running Rejoinder per data directory, and finds free ports.

The lock belongs to the kernel (flock), so a killed process leaves none behind; the file's text only says who
holds it.
"""

import fcntl
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from commands.errors import CommandFailed
from serving.files import make_private_dir


class AlreadyRunning(CommandFailed):
    """Another `rejoinder up` holds this data directory."""

    def __init__(self, data_dir: Path, holder: dict[str, Any]) -> None:
        where = f" at {holder['address']}" if holder.get("address") else ""
        super().__init__(
            f"Rejoinder already runs in {data_dir} (process {holder.get('pid', 'unknown')}{where}).\n"
            "Use it, stop it with Ctrl-C, or start a second one: rejoinder up --data-dir var2 --port 8090"
        )


class PortTaken(CommandFailed):
    """The web's port is in use or not allowed."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"Cannot listen on {host}:{port}: {reason}.\n"
            f"Stop what uses the port (ss -ltnp 'sport = :{port}' names it) "
            f"or choose another: rejoinder up --port {port + 10}"
        )


@dataclass
class InstanceLock:
    """Locks the data directory until its block ends. `describe` writes who holds it, and their address."""

    data_dir: Path
    _file: IO[str] | None = None

    def __enter__(self) -> "InstanceLock":
        make_private_dir(self.data_dir)
        path = self.data_dir / "rejoinder.lock"
        self._file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise AlreadyRunning(self.data_dir, read_holder(self.data_dir)) from None
        self.describe(pid=os.getpid())
        return self

    def describe(self, **facts: Any) -> None:
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps(facts))
        self._file.flush()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()


def read_holder(data_dir: Path) -> dict[str, Any]:
    """What the lock's holder wrote about itself; empty if nobody holds it or it cannot be read."""
    try:
        found = json.loads((data_dir / "rejoinder.lock").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def is_running(data_dir: Path) -> bool:
    """Whether a process holds the lock of this data directory now."""
    try:
        with (data_dir / "rejoinder.lock").open("r", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def require_port(host: str, port: int) -> None:
    """Raises PortTaken unless a server can listen on host:port now."""
    try:
        with socket.create_server((host, port), family=family_of(host)):
            pass
    except OSError as fault:
        raise PortTaken(host, port, fault.strerror or str(fault)) from fault


def find_port(host: str, wanted: int) -> int:
    """The wanted port if it is free, else a free one from the operating system."""
    for port in (wanted, 0):
        try:
            with socket.create_server((host, port), family=family_of(host)) as server:
                return int(server.getsockname()[1])
        except OSError:
            continue
    raise PortTaken(host, wanted, "no port is free")


def family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
