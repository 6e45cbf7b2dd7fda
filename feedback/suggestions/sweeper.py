"""Finds sets that nobody prepares, now and every few seconds: their preparer died, or the store was away.

Says which turns to take up; `feedback.suggestions.suggester.Suggester` prepares them.
"""

import logging
import threading
from collections.abc import Callable

from sqlalchemy import Engine

from feedback.clock import Clock
from feedback.store.engine import read
from feedback.store.set_writes import Progress, list_unsettled

log = logging.getLogger(__name__)

SWEEP_EVERY_S = 5.0


class Sweeper:
    """`is_abandoned` judges a set, `take_up` is called with the turns of those that are, and does nothing for
    a turn that this process is at.
    """

    def __init__(
        self,
        store_engine: Engine,
        clock: Clock,
        lease_s: float,
        is_abandoned: Callable[[Progress], bool],
        take_up: Callable[[str], bool],
    ) -> None:
        self._store = store_engine
        self._clock = clock
        self._lease_s = lease_s
        self._is_abandoned = is_abandoned
        self._take_up = take_up
        self._seen: dict[str, float] | None = None  # turns without a set -> monotonic seconds
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Sweeps until `close`, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="set-sweeper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def sweep(self) -> int:
        """How many sets were taken up. After the first sweep a turn without a set is left for as long as a
        lease would last to the process that queued it.
        """
        with read(self._store) as session:
            unsettled = list_unsettled(session)
        now, before = self._clock.monotonic(), self._seen
        bare = [found.turn_id for found in unsettled if found.state is None]
        self._seen = {turn_id: (before or {}).get(turn_id, now) for turn_id in bare}
        ripe = {
            turn_id for turn_id, first in self._seen.items() if before is None or now - first >= self._lease_s
        }
        abandoned = [
            found.turn_id
            for found in unsettled
            if (found.turn_id in ripe if found.state is None else self._is_abandoned(found))
        ]
        count = sum(self._take_up(turn_id) for turn_id in abandoned)
        if count:
            log.info("%d sets are taken up that nobody prepares", count)
        return count

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self.sweep()
            except Exception:  # the edge of this thread: the store may be away, the next look tries again
                log.exception("no look for sets to take up")
            self._closing.wait(SWEEP_EVERY_S)
