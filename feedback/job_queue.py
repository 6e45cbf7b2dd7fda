"""One thread that works on rows in the background, by their ids, one after another.

queue = JobQueue("import", work)
queue.watch(look, 5.0); queue.enqueue(id); queue.close()
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

log = logging.getLogger(__name__)


class JobQueue:
    """`work` gets an id and finds in its row what is to be done. What it raises is logged."""

    def __init__(self, name: str, work: Callable[[str], None]) -> None:
        self.closing = threading.Event()
        self._name = name
        self._work = work
        self._thread = ThreadPoolExecutor(1, name)
        self._queued: set[str] = set()
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None

    def watch(self, look: Callable[[], object], every_s: float) -> None:
        """Looks for rows now and every so many seconds until `close`, in a thread of its own."""
        name = f"{self._name}-watch"
        self._watcher = threading.Thread(target=self._watch, args=(look, every_s), name=name, daemon=True)
        self._watcher.start()

    def enqueue(self, id: str) -> None:
        """Asks to go on with this row soon; repeating it is harmless."""
        with self._lock:
            if self.closing.is_set() or id in self._queued:
                return
            self._queued.add(id)
            self._thread.submit(self._work_guarded, id)

    def submit(self, task: Callable[[], None]) -> None:
        """Asks for anything else in its turn, unless the queue is closed."""
        with self._lock:
            if not self.closing.is_set():
                self._thread.submit(task)

    def wait(self) -> None:
        """Waits until all that is queued by now is done."""
        self._thread.submit(lambda: None).result()

    def close(self) -> None:
        """Lets the present row see `closing`, and waits for it; the others stay as they are."""
        with self._lock:
            self.closing.set()
        if self._watcher is not None:
            self._watcher.join()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _watch(self, look: Callable[[], object], every_s: float) -> None:
        while not self.closing.is_set():
            try:
                look()
            except Exception:  # the edge of this thread: the store may be away, the next look tries again
                log.exception("no look for what %s has to do", self._name)
            self.closing.wait(every_s)

    def _work_guarded(self, id: str) -> None:
        with self._lock:
            self._queued.discard(id)  # what comes in from now on is a new round
        try:
            self._work(id)
        except Exception:  # the edge of this job
            log.exception("%s %s could not go on", self._name, id)
