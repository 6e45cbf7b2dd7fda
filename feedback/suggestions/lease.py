"""Who prepares: the name of this process on a lease, and whether the process behind such a name has ended."""

import os
import secrets
import socket
from datetime import datetime, timedelta

from feedback.clock import still_runs


def name_owner() -> str:
    """`host/pid/random`: a process that was given the number of an earlier one is another owner."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


def is_owner_gone(owner: str | None) -> bool:
    """Whether the lease is that of a process of this host that has ended; others are given their time."""
    host, pid, _ = (owner or "//").split("/")
    if host != socket.gethostname() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def is_lease_over(owner: str | None, until: datetime | None, *, now: datetime, term: timedelta) -> bool:
    """Whether what is held under a lease of this term is anybody's to take over."""
    return until is None or not still_runs(until, now=now, term=term) or is_owner_gone(owner)
