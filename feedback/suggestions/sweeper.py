"""Finds turns whose sets are wanted and that nobody prepares, every few seconds and when a customer wrote.

Wanted are the next turns in the views that agents have open; without an open view nothing is begun. A turn
that an agent has opened is cared for by the request that reads it. This module finds the turns,
`feedback.suggestions.suggester.Suggester` prepares them.
"""

import logging
import threading
from collections.abc import Callable

from sqlalchemy import Engine

from feedback.store.engine import read
from feedback.store.set_writes import SetProgress, list_next, list_overtaken
from feedback.suggestions.views import Views

log = logging.getLogger(__name__)

SWEEP_EVERY_S = 5.0


class Sweeper:
    """Looks for turns to prepare. `is_abandoned` tells whether a set's preparer has died. `take_up` is called
    with the turns found, and does nothing for a turn that this process is already preparing.
    """

    def __init__(
        self,
        store_engine: Engine,
        views: Views,
        is_abandoned: Callable[[SetProgress], bool],
        take_up: Callable[[str], bool],
    ) -> None:
        self._store = store_engine
        self._views = views
        self._is_abandoned = is_abandoned
        self._take_up = take_up
        self._closing = threading.Event()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Sweeps until `close`, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="set-sweeper", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Looks at once, because a customer wrote, if a view is open."""
        if self._views.list_open():
            self._woken.set()

    def close(self) -> None:
        self._closing.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join()

    def sweep(self) -> int:
        """Takes up turns and returns their number: wanted turns without a set or with an abandoned one, and
        abandoned sets of turns that no longer wait, which are closed without asking the engine.
        """
        with read(self._store) as session:
            found = list_overtaken(session)
            for view in self._views.list_open():
                found += list_next(
                    session, desk_id=view.desk_id, after=view.after, limit=view.count, only=view.only
                )
        abandoned = dict.fromkeys(
            each.turn_id for each in found if not each.is_settled and self._is_abandoned(each)
        )
        count = sum(self._take_up(turn_id) for turn_id in abandoned)
        if count:
            log.info("%d sets are taken up that nobody prepares", count)
        return count

    def _run(self) -> None:
        while not self._closing.is_set():
            self._woken.clear()
            try:
                self.sweep()
            except Exception:  # the edge of this thread: the store may be away, the next look tries again
                log.exception("no look for sets to take up")
            if not self._closing.is_set():
                self._woken.wait(SWEEP_EVERY_S)
