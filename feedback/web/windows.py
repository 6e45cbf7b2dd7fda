"""Moving-window counters in this process: how often each caller did something in the last seconds, by the
injected clock.

It is a storage of the `limits` library under an address of its own. The library's own memory storage reads
the system clock, never forgets a key and walks through all keys after each hit. Knows no Flask.
"""

import threading
from bisect import bisect_right
from collections import deque

from limits.storage import MovingWindowSupport, Storage

from feedback.clock import Clock

ADDRESS = "rejoinder-windows://"
TIDY_EVERY_S = 60


class Windows(Storage, MovingWindowSupport):
    STORAGE_SCHEME = ["rejoinder-windows"]  # noqa: RUF012 - as the base class has it

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, *, clock: Clock) -> None:
        super().__init__(uri, wrap_exceptions)
        self._clock = clock
        self._lock = threading.Lock()
        self._hits: dict[str, deque[float]] = {}
        self._lasts_s: dict[str, int] = {}
        self._tidy_at = clock.monotonic()

    def now(self) -> float:
        return self._clock.monotonic()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Counts this many more hits if they fit into the window that ends now; returns whether they did."""
        now = self.now()
        with self._lock:
            self._tidy(now)
            hits = self._hits.setdefault(key, deque())
            self._lasts_s[key] = expiry
            while hits and hits[0] <= now - expiry:
                hits.popleft()
            if len(hits) + amount > limit:
                return False
            hits.extend([now] * amount)
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """The time of the oldest hit that still counts, and how many hits count."""
        now = self.now()
        with self._lock:
            hits = list(self._hits.get(key, ()))
        counted = hits[bisect_right(hits, now - expiry) :]
        return (counted[0] if counted else now), len(counted)

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        with self._lock:
            count = len(self._hits)
            self._hits.clear()
            self._lasts_s.clear()
        return count

    def clear(self, key: str) -> None:
        with self._lock:
            self._hits.pop(key, None)
            self._lasts_s.pop(key, None)

    def get(self, key: str) -> int:
        return len(self._hits.get(key, ()))

    def get_expiry(self, key: str) -> float:
        return self.now() + self._lasts_s.get(key, 0)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError("windows move here; nothing is counted in fixed ones")

    def _tidy(self, now: float) -> None:
        """Drops keys without a hit for a whole window. It runs once a minute, since it walks through all
        keys.
        """
        if now < self._tidy_at:
            return
        self._tidy_at = now + TIDY_EVERY_S
        ended = [k for k, hits in self._hits.items() if not hits or hits[-1] <= now - self._lasts_s[k]]
        for key in ended:
            del self._hits[key], self._lasts_s[key]
