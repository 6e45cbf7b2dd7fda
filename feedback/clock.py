"""The one clock of the service: UTC, injected at the entry points, never read from the system elsewhere.

A machine's time may step, also backwards. What has happened is therefore a fact in the store and never found
out by comparing times; what must wait counts seconds by `monotonic`; and what runs for a term, such as a
lease, is asked with `still_runs`.
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
        """Seconds since some moment, whatever the time of day is set to."""
        ...


def still_runs(until: datetime, *, now: datetime, term: timedelta) -> bool:
    """Whether a term of this length that ends at `until` goes on. One that would end later than any that
    begins now was given before the clock stepped back, and is over.
    """
    return now < until <= now + term


class SystemClock:
    """The machine's time, except that it never runs backwards: after a step back it goes at half its speed
    until the machine's time has caught up.
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
