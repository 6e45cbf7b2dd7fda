"""Which readers wait for which topic in this process. Any thread may signal; only the server's event loop
waits.

    with wakeups.listen("turn:<id>", since=seen, mark=mark) as listener:
        listener.clear(); ...read...; await listener.wait(timeout_s)

`mark` is the topic's last change when its reader looked; the poll every second compares it
(feedback/web/net.py).

A waiting reader holds an event only: no thread and no connection to the store. This module reads no data.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from feedback.store.marks import Mark

REMEMBERED = 4096  # topics with recent signals, for readers between read and `listen`; net.py finds the rest


class Listener:
    """One waiting reader, woken by its topic, by `wake`, or when its time is over."""

    def __init__(self, mark: Mark | None = None) -> None:
        self.mark = mark
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._is_woken = False

    def clear(self) -> None:
        """Called before a read: any signal from now on counts as new."""
        self._is_woken = False
        self._event.clear()

    def wake(self) -> None:
        """Wakes this listener. Call it on the event loop's own thread."""
        self._is_woken = True
        self._event.set()

    def wake_from_thread(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self.wake)
        except RuntimeError:  # the event loop has ended, and its readers too
            pass

    async def wait(self, timeout_s: float) -> bool:
        """Waits for a signal; returns False if the time was over first."""
        timer = self._loop.call_later(timeout_s, self._event.set)
        await self._event.wait()
        timer.cancel()
        if not self._is_woken:
            self._event.clear()
        return self._is_woken


class Wakeups:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[str, set[Listener]] = {}
        self._recent: OrderedDict[str, int] = OrderedDict()
        self._count = 0
        self._is_closed = False

    @property
    def count(self) -> int:
        """The number of signals so far. Pass it to `listen` as `since`, so that no later signal is missed."""
        return self._count

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def signal(self, topics: Iterable[str]) -> None:
        """Wakes everybody who listens to one of these topics, so that they look again."""
        with self._lock:
            self._count += 1
            for topic in topics:
                self._recent[topic] = self._count
                self._recent.move_to_end(topic)
                for listener in self._listeners.get(topic, ()):
                    listener.wake_from_thread()
            while len(self._recent) > REMEMBERED:
                self._recent.popitem(last=False)

    def close(self) -> None:
        """Called when the server ends: wakes all listeners and lets nobody wait any more."""
        with self._lock:
            self._is_closed = True
            for listeners in self._listeners.values():
                for listener in listeners:
                    listener.wake_from_thread()

    def is_awaited(self, topic: str) -> bool:
        return topic in self._listeners

    def list_topics(self) -> dict[str, Mark | None]:
        """Each topic with the mark that all its listeners have seen; None if their marks differ or are
        unknown.
        """
        with self._lock:
            return {topic: _find_common(listeners) for topic, listeners in self._listeners.items()}

    @contextmanager
    def listen(self, topic: str, *, since: int, mark: Mark | None = None) -> Iterator[Listener]:
        """A listener that is awake already if the topic was signalled after the count was `since`."""
        listener = Listener(mark)
        with self._lock:
            self._listeners.setdefault(topic, set()).add(listener)
            if self._recent.get(topic, 0) > since or self._is_closed:
                listener.wake()
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners[topic].discard(listener)
                if not self._listeners[topic]:
                    del self._listeners[topic]


def _find_common(listeners: Iterable[Listener]) -> Mark | None:
    marks = {listener.mark for listener in listeners}
    return marks.pop() if len(marks) == 1 else None
