"""Builds and checks datasets in the background, one after another, as people ask for it in the browser or by
HTTP. Whoever asked need not stay.

A build that is cancelled leaves nothing. A job whose process ends in order waits for the next process; one
whose process was killed is shown as interrupted, and somebody asks again. Each build is checked afterwards.

    worker = DatasetWorker(store_engine=..., data_dir=..., clock=...)
    worker.enqueue(job_id); worker.close()
"""

import errno
import logging
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from feedback.clock import Clock
from feedback.datasets.build import Selection, build_dataset
from feedback.datasets.check import check_dataset
from feedback.datasets.errors import DatasetMissing, DifficultyUnknown, JobStopped, NothingSelected
from feedback.datasets.keeping import Keeping
from feedback.datasets.layout import dataset_dir
from feedback.errors import ApiError
from feedback.job_queue import JobQueue
from feedback.lease import Leaseholder
from feedback.store import dataset_jobs
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import DatasetJob

log = logging.getLogger(__name__)

LEASE_S = 120.0
FAULTS: dict[type[Exception], str] = {
    NothingSelected: "selection_empty",
    DifficultyUnknown: "difficulty_unknown",
    DatasetMissing: "dataset_files_gone",
}
DISK_FULL, OTHER_FAULT = "store_full", "dataset_job_failed"


class DatasetWorker:
    def __init__(self, *, store_engine: Engine, data_dir: Path, clock: Clock) -> None:
        self._store = store_engine
        self._data_dir = data_dir
        self._clock = clock
        self._jobs = JobQueue("dataset-job", self.work)
        self.holder = Leaseholder(clock, LEASE_S)

    def enqueue(self, job_id: str) -> None:
        """Asks to do this job soon; repeating it is harmless."""
        self._jobs.enqueue(job_id)

    def sweep(self) -> None:
        """Takes up, in the background, what an earlier process has left waiting."""
        self._jobs.submit(self._take_up)

    def wait(self) -> None:
        """Waits until all that is queued by now is done, and the checks that follow."""
        self._jobs.wait()
        self._jobs.wait()

    def close(self) -> None:
        """Stops within the present build, which then waits for another process."""
        self._jobs.close()

    def _take_up(self) -> None:
        with read(self._store) as session:
            waiting = dataset_jobs.list_waiting_jobs(session)
        for job_id in waiting:
            self.enqueue(job_id)

    def work(self, job_id: str) -> None:
        """Does a job that waits."""
        with unit_of_work(self._store) as session:
            row = dataset_jobs.begin_job(session, job_id=job_id, lease=self.holder.grant())
        if row is None:
            return
        keeping = Keeping(self._store, self.holder, row.id, self._jobs.closing)
        try:
            with keeping.running():
                found = self._build(row, keeping) if row.kind == dataset_jobs.BUILD else self._check(row)
        except JobStopped:
            with unit_of_work(self._store) as session:
                dataset_jobs.give_back_job(session, job_id=row.id)
        except Exception as fault:
            refusals = fault.refusals if isinstance(fault, NothingSelected) else {}
            self._settle(row, dataset_jobs.FAILED, error=name_job_fault(fault), refusals=refusals)
        else:
            self._settle(row, dataset_jobs.DONE, **found)

    def _settle(self, row: DatasetJob, state: str, **found: Any) -> None:
        """Notes what a job came to; a build that is done is checked next."""
        now, check = self._clock.now(), None
        with unit_of_work(self._store) as session:
            dataset_jobs.settle_job(session, job_id=row.id, state=state, now=now, **found)
            if row.kind == dataset_jobs.BUILD and state == dataset_jobs.DONE:
                asked = {"desk_id": row.desk_id, "dataset_id": found["dataset_id"], "actor": row.actor}
                check = dataset_jobs.ask_check(session, **asked, now=now)
        if check is not None:
            self.enqueue(check.id)

    def _build(self, row: DatasetJob, keeping: Keeping) -> dict[str, Any]:
        built = build_dataset(
            self._store,
            data_dir=self._data_dir,
            clock=self._clock,
            desk_id=row.desk_id,
            selection=Selection.from_json(row.selection),
            on_record=keeping.note,
        )
        return {"dataset_id": built.id, "is_new": built.is_new}

    def _check(self, row: DatasetJob) -> dict[str, Any]:
        faults = check_dataset(dataset_dir(self._data_dir, row.dataset_id or ""))
        return {"faults": [fault.to_json() for fault in faults]}


def name_job_fault(fault: Exception) -> str:
    """The code of why a job failed; what nobody foresaw is logged."""
    if isinstance(fault, ApiError):
        return fault.code
    if isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return DISK_FULL
    code = FAULTS.get(type(fault), OTHER_FAULT)
    if code == OTHER_FAULT:
        log.error("a job about a dataset failed", exc_info=fault)
    return code
