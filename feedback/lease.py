"""Who works on a row, and until when: one rule for runs, sets and duels, whose rows have an owner and an end.

A lease is over by its time, and abandoned also when its owner, a process of this host, has ended. Locks
nothing: whoever writes a lease holds the row.
"""

import os
import secrets
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from feedback.clock import Clock, still_runs


class Leased(Protocol):
    lease_owner: str | None
    lease_until: datetime | None


@dataclass(frozen=True)
class Lease:
    owner: str | None = None
    until: datetime | None = None

    def is_over(self, *, now: datetime, term: timedelta) -> bool:
        return self.until is None or not still_runs(self.until, now=now, term=term)

    def write_to(self, row: Leased) -> None:
        row.lease_owner, row.lease_until = self.owner, self.until


class Leaseholder:
    """This process, which works on rows under leases of one term."""

    def __init__(self, clock: Clock, term_s: float) -> None:
        self.owner = name_owner()
        self._clock = clock
        self._term = timedelta(seconds=term_s)

    def grant(self) -> Lease:
        """A lease of our own from now on."""
        return Lease(self.owner, self._clock.now() + self._term)

    def may_take(self, lease: Lease) -> bool:
        """Whether what is held under a lease of this term is anybody's to take over."""
        return lease.is_over(now=self._clock.now(), term=self._term) or is_owner_gone(lease.owner)


def lease_of(row: Leased) -> Lease:
    return Lease(row.lease_owner, row.lease_until)


def name_owner() -> str:
    """`host/pid/random`: a process that was given the number of an earlier one is another owner."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


def is_owner_gone(owner: str | None) -> bool:
    """Whether the lease is that of a process of this host that has ended; others are given their time."""
    host, _, rest = (owner or "").partition("/")
    pid = rest.partition("/")[0]
    if host != socket.gethostname() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
