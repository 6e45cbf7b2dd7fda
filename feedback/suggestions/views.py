"""Which views of the queue agents have open: the turns next in them are drawn before anybody opens them.

Kept in memory, by each process for the calls that it answered: after a restart nobody is known to look, until
somebody asks again. What two processes both want is drawn once, by whoever gets the lease.
"""

import threading
from dataclasses import dataclass

from feedback.clock import Clock
from feedback.store.queue_filters import EVERYTHING, QueueFilter

OPEN_FOR_S = 120.0  # after an agent asked for it
NEXT = 10  # turns of a view that are drawn ahead
MOST = 200  # views that are kept, the latest: each is a query of every sweep, and filters are free text


@dataclass(frozen=True)
class QueueView:
    """A page of a desk's queue, from the turn behind `after` on; of its turns, or of what a filter leaves of
    them, the `count` next.
    """

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
        """An agent has it open now."""
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
