"""The one clock of the service: UTC, injected at the entry points. No other module reads the system time.

The system time may jump, also backwards. So whether something has happened is stored as a fact and never
found by comparing times; delays count seconds by `monotonic`; and whether a term such as a lease is still
running is asked with `still_runs`.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

CATCH_UP = 0.5  # seconds per second while the machine's time lies behind


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC, zone-aware."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment, not affected by changes of the system time."""
        ...


def still_runs(until: datetime, *, now: datetime, term: timedelta) -> bool:
    """Whether a term (such as a lease) of this length that ends at `until` is still running. A term that ends
    later than one that starts now was given before the clock jumped back; it counts as over.
    """
    return now < until <= now + term


class SystemClock:
    """The system time, except that it never runs backwards: after a jump back it runs at half speed until the
    system time has caught up.
    """

    def __init__(
        self,
        read_time: Callable[[], datetime] = lambda: datetime.now(UTC),
        read_monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read_time, self._read_monotonic = read_time, read_monotonic
        self._lock = threading.Lock()
        self._last, self._read_at = read_time(), read_monotonic()

    def now(self) -> datetime:
        with self._lock:
            read_at = self._read_monotonic()
            slow = self._last + timedelta(seconds=(read_at - self._read_at) * CATCH_UP)
            self._last, self._read_at = max(self._read_time(), slow), read_at
            return self._last

    def monotonic(self) -> float:
        return self._read_monotonic()
