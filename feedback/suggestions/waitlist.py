"""The turns that wait for a preparer in this process; those that an agent opened come first.

Generates nothing itself; `feedback.suggestions.suggester.Suggester` takes the next turn when a thread is
free.
"""

import threading


class Waitlist:
    """A waiting list that holds each turn at most once, from `add` to `finish`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: dict[str, None] = {}  # in the order of their coming, like the next two
        self._next: dict[str, None] = {}
        self._begun: set[str] = set()

    def add(self, turn_id: str, *, is_opened: bool) -> bool:
        """Adds a turn; returns whether it is new. A turn that an agent opens moves ahead of the others."""
        with self._lock:
            if turn_id in self._begun or turn_id in self._opened:
                return False
            is_new = turn_id not in self._next
            if is_opened:
                self._next.pop(turn_id, None)
                self._opened[turn_id] = None
            else:
                self._next[turn_id] = None
            return is_new

    def take(self) -> tuple[str, bool]:
        """The turn to prepare now, and whether an agent opened it; once for each turn that was new."""
        with self._lock:
            line = self._opened or self._next
            turn_id = next(iter(line))
            del line[turn_id]
            self._begun.add(turn_id)
            return turn_id, line is self._opened

    def finish(self, turn_id: str) -> None:
        with self._lock:
            self._begun.discard(turn_id)
