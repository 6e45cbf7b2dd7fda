"""Keeps the lease of a dataset's job while a process works on it, and hears whether it was cancelled."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from feedback.datasets.errors import JobStopped
from feedback.errors import ApiError
from feedback.lease import Leaseholder
from feedback.store.dataset_jobs import keep_job
from feedback.store.engine import unit_of_work

log = logging.getLogger(__name__)

KEPT_EVERY_S = 1.0


class Keeping:
    """How far a job is. A thread writes it down, since some steps of a build report nothing for minutes."""

    def __init__(
        self, store_engine: Engine, holder: Leaseholder, job_id: str, closing: threading.Event
    ) -> None:
        self._store = store_engine
        self._holder = holder
        self._job_id = job_id
        self._closing = closing
        self._at: tuple[str, int, int] | None = None
        self._stopped = threading.Event()
        self._over = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._keep_on, name="dataset-job", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def note(self, step: str, done: int, total: int) -> None:
        """Raises JobStopped if the job is not to go on: somebody has cancelled it, or this process ends."""
        self._at = (step, done, total)
        if self._stopped.is_set() or self._closing.is_set():
            raise JobStopped

    def keep(self) -> None:
        try:
            with unit_of_work(self._store) as session:
                is_kept = keep_job(session, job_id=self._job_id, at=self._at, lease=self._holder.grant())
        except ApiError:  # the store is busy or full: the lease lasts longer than that
            log.warning("the progress of dataset job %s could not be written", self._job_id, exc_info=True)
            return
        if not is_kept:
            self._stopped.set()

    def _keep_on(self) -> None:
        while not self._over.wait(KEPT_EVERY_S):
            self.keep()
