"""Waking requests that wait for something new, inside one web process.

A waiter names a topic (`conversation:<id>`, `turn:<id>`, `queue`), looks at the store, and waits for a
signal or for the next look. Several web processes on one PostgreSQL do not hear each other's signals: there
the look every half second finds the news.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

LOOK_EVERY_S = 0.5
CROWDED_WAIT_S = 0.25


class Wakeups:
    """`seats` is how many may wait at once; who comes later is answered almost at once and asks again, so
    that waiting readers never take the last threads from those who write.
    """

    def __init__(self, seats: int = 24) -> None:
        self._seats = seats
        self._changed = threading.Condition()
        self._counts: dict[str, int] = {}
        self._waiting: dict[str, int] = {}

    def signal(self, topic: str) -> None:
        """Something happened: whoever waits for the topic looks again. Free when nobody waits."""
        with self._changed:
            if topic in self._waiting:
                self._counts[topic] = self._counts.get(topic, 0) + 1
                self._changed.notify_all()

    def wait_for(self, topic: str, look: Callable[[], Found | None], *, timeout_s: float) -> Found | None:
        """What `look` finds, at once or within so many seconds; else None."""
        with self._changed:
            crowded = sum(self._waiting.values()) >= self._seats
            self._waiting[topic] = self._waiting.get(topic, 0) + 1
        deadline = time.monotonic() + (min(timeout_s, CROWDED_WAIT_S) if crowded else timeout_s)
        try:
            while True:
                seen = self._count(topic)
                found = look()
                left = deadline - time.monotonic()
                if found is not None or left <= 0:
                    return found
                self._await_change(topic, seen, min(left, LOOK_EVERY_S))
        finally:
            with self._changed:
                self._waiting[topic] -= 1
                if self._waiting[topic] == 0:
                    del self._waiting[topic]
                    self._counts.pop(topic, None)

    def _count(self, topic: str) -> int:
        with self._changed:
            return self._counts.get(topic, 0)

    def _await_change(self, topic: str, seen: int, timeout_s: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._counts.get(topic, 0) != seen, timeout_s)
