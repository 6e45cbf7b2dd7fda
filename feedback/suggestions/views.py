"""Remembers which views of the queue agents have open, whose next turns are generated ahead.

It is kept in the memory of each process, for the calls that the process answered: after a restart no view
counts as open until somebody asks again. If two processes want a set, the one that gets the lease generates
it.
"""

import threading
from dataclasses import dataclass

from feedback.clock import Clock
from feedback.store.queue_filters import EVERYTHING, QueueFilter

OPEN_FOR_S = 120.0  # seconds for which a view counts as open after an agent asked for it
NEXT = 10  # most turns of a view that are generated ahead
MOST = 200  # views that are kept, the latest: each is a query of every sweep, and filters are free text


@dataclass(frozen=True)
class QueueView:
    """A page of a desk's queue: the next `count` turns after the turn `after` that a filter selects."""

    desk_id: str
    after: str | None = None
    count: int = NEXT
    only: QueueFilter = EVERYTHING


class Views:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: dict[QueueView, float] = {}  # -> monotonic seconds, the latest last

    def note(self, view: QueueView) -> None:
        """Records that an agent has this view open now."""
        with self._lock:
            self._asked.pop(view, None)
            self._asked[view] = self._clock.monotonic()
            if len(self._asked) > MOST:
                del self._asked[next(iter(self._asked))]

    def list_open(self) -> list[QueueView]:
        with self._lock:
            since = self._clock.monotonic() - OPEN_FOR_S
            self._asked = {view: at for view, at in self._asked.items() if at > since}
            return list(self._asked)
