"""Releases held replies to the customer once their undo window is over, by the monotonic clock.

A reply is held from its commit on; `hold` says when that was. Every second the releaser also looks in the
store for replies that other processes, or a killed one before it, left held; such a reply goes a whole window
after it was found. The release changes a row under the conversation's lock (`feedback.store.releases`). So a
reply is released once however many processes there are, and an undo comes either before or after it.

    releaser.start(); releaser.hold(message_id); releaser.close()
"""

import logging
import threading

from sqlalchemy import Engine

from feedback.clock import Clock
from feedback.store.engine import read, unit_of_work
from feedback.store.releases import list_held, release_messages

log = logging.getLogger(__name__)

POLL_EVERY_S = 1.0


class Releaser:
    def __init__(self, *, store_engine: Engine, clock: Clock, window_s: float) -> None:
        self._store = store_engine
        self._clock = clock
        self._window_s = window_s
        self._due: dict[str, float] = {}  # message id -> monotonic seconds
        self._poll_at = float("-inf")
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts a thread that releases replies until `close`."""
        self._thread = threading.Thread(target=self._run, name="releaser", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops the thread. The next process releases the replies that are still held."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def hold(self, message_id: str) -> None:
        """Registers a reply that was committed just now: it is released after the undo window."""
        with self._changed:
            self._due[message_id] = self._clock.monotonic() + self._window_s
            self._changed.notify()

    def tick(self) -> None:
        """Looks for held replies if it is time to, and releases those that are due."""
        now = self._clock.monotonic()
        if now >= self._poll_at:
            self._find_held(now)
        with self._changed:
            due = [id for id, at in self._due.items() if at <= now]
        if not due:
            return
        with unit_of_work(self._store) as session:
            release_messages(session, message_ids=due, now=self._clock.now())
        with self._changed:
            for message_id in due:
                self._due.pop(message_id, None)

    def _find_held(self, now: float) -> None:
        with read(self._store) as session:
            held = list_held(session)
        with self._changed:
            for message_id in held:
                self._due.setdefault(message_id, now + self._window_s)
        self._poll_at = now + POLL_EVERY_S

    def _run(self) -> None:
        while not self._closing:
            try:
                self.tick()
                pause = self._find_pause()
            except Exception:  # outermost handler: the store may be busy, and the next tick tries again
                log.exception("held replies could not be released")
                pause = POLL_EVERY_S
            with self._changed:
                if not self._closing:
                    self._changed.wait(pause)

    def _find_pause(self) -> float:
        with self._changed:
            next_at = min(self._due.values(), default=self._poll_at)
        return max(0.0, min(next_at, self._poll_at) - self._clock.monotonic())
