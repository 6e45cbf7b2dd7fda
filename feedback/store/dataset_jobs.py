"""Rows of `dataset_job`: builds and checks of datasets in the background. Keyword-only, session first, no
commit.

    waiting -> running -> done | failed
    waiting -> cancelled; running -> cancelling -> cancelled
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from feedback.errors import Conflict
from feedback.lease import Lease, Leaseholder, lease_of
from feedback.store.engine import get_row, of_desk, save_row
from feedback.store.tables import DatasetJob

BUILD, CHECK = "build", "check"
WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
CANCELLING, CANCELLED = "cancelling", "cancelled"
INTERRUPTED = "interrupted"  # by name_state only
MOVING = (WAITING, RUNNING, CANCELLING)


class DatasetJobState(Conflict):
    def __init__(self, job_id: str, state: str) -> None:
        super().__init__(
            "dataset_job_state",
            f"The {job_id} is {state} and cannot be cancelled.",
            "Only a build that waits or runs, or a check that waits, can be.",
        )


def add_build(
    session: Session, *, desk_id: str, selection: dict[str, Any], note: str | None, actor: str, now: datetime
) -> DatasetJob:
    row = DatasetJob(desk_id=desk_id, kind=BUILD, selection=selection, note=note, actor=actor, created_at=now)
    return save_row(session, row)


def ask_check(session: Session, *, desk_id: str, dataset_id: str, actor: str, now: datetime) -> DatasetJob:
    """The check of a dataset that waits, or a new one."""
    waiting = of_desk(DatasetJob, desk_id).where(
        DatasetJob.kind == CHECK, DatasetJob.dataset_id == dataset_id, DatasetJob.state == WAITING
    )
    found = session.exec(waiting.limit(1)).first()
    return found or save_row(
        session, DatasetJob(desk_id=desk_id, kind=CHECK, dataset_id=dataset_id, actor=actor, created_at=now)
    )


def get_job(session: Session, *, desk_id: str, job_id: str, lock: bool = False) -> DatasetJob:
    return get_row(session, DatasetJob, job_id, desk_id=desk_id, what="dataset_job", lock=lock)


def select_builds(
    session: Session, *, desk_id: str, limit: int, dataset_id: str | None = None
) -> Sequence[DatasetJob]:
    """The builds of a desk, newest first; with `dataset_id` those that came to this dataset."""
    query = of_desk(DatasetJob, desk_id).where(DatasetJob.kind == BUILD)
    if dataset_id is not None:
        query = query.where(DatasetJob.dataset_id == dataset_id)
    newest = query.order_by(col(DatasetJob.created_at).desc(), col(DatasetJob.id))
    return session.exec(newest.limit(limit)).all()


def find_check(session: Session, *, desk_id: str, dataset_id: str) -> DatasetJob | None:
    """The newest check of a dataset, unless it was cancelled."""
    query = of_desk(DatasetJob, desk_id).where(
        DatasetJob.kind == CHECK, DatasetJob.dataset_id == dataset_id, DatasetJob.state != CANCELLED
    )
    return session.exec(
        query.order_by(col(DatasetJob.created_at).desc(), col(DatasetJob.id)).limit(1)
    ).first()


def list_waiting_jobs(session: Session) -> list[str]:
    """The jobs of all desks that wait, the oldest first."""
    query = select(DatasetJob.id).where(DatasetJob.state == WAITING).order_by(col(DatasetJob.created_at))
    return list(session.exec(query))


def begin_job(session: Session, *, job_id: str, lease: Lease) -> DatasetJob | None:
    """Begins a job that waits; None if it does not, or not any more."""
    row = session.get(DatasetJob, job_id, with_for_update=True)
    if row is None or row.state != WAITING:
        return None
    row.state = RUNNING
    lease.write_to(row)
    return save_row(session, row)


def keep_job(session: Session, *, job_id: str, at: tuple[str, int, int] | None, lease: Lease) -> bool:
    """Renews the lease of a job and notes how far it is. False if somebody has cancelled it."""
    going_on = update(DatasetJob).where(
        col(DatasetJob.id) == job_id,
        col(DatasetJob.state) == RUNNING,
        col(DatasetJob.lease_owner) == lease.owner,
    )
    told = dict(zip(("step", "done", "total"), at, strict=True)) if at else {}
    kept = session.connection().execute(going_on.values(lease_until=lease.until, **told))
    return kept.rowcount == 1


def settle_job(session: Session, *, job_id: str, state: str, now: datetime, **found: Any) -> DatasetJob:
    """Notes what a job came to. One that is cancelled at the last moment is done nevertheless."""
    row = session.get_one(DatasetJob, job_id, with_for_update=True)
    for name, value in found.items():
        setattr(row, name, value)
    row.state, row.finished_at = state, now
    Lease().write_to(row)
    return save_row(session, row)


def give_back_job(session: Session, *, job_id: str) -> None:
    """Has a job wait for the next process, because this one ends; one that was cancelled is over."""
    row = session.get_one(DatasetJob, job_id, with_for_update=True)
    row.state = WAITING if row.state == RUNNING else CANCELLED
    Lease().write_to(row)
    save_row(session, row)


def name_job_state(row: DatasetJob, holder: Leaseholder) -> str:
    """The state of a job as people are told it: one that nobody works on any more is interrupted."""
    at_work = row.state in (RUNNING, CANCELLING)
    return INTERRUPTED if at_work and holder.may_take(lease_of(row)) else row.state


def may_cancel(row: DatasetJob, holder: Leaseholder) -> bool:
    return name_job_state(row, holder) in ((WAITING, RUNNING) if row.kind == BUILD else (WAITING,))


def ask_job_cancel(session: Session, *, row: DatasetJob, holder: Leaseholder) -> None:
    """Cancels a job. A build that runs stops soon. Raises DatasetJobState."""
    if not may_cancel(row, holder):
        raise DatasetJobState(f"{row.kind} {row.id}", name_job_state(row, holder))
    row.state = CANCELLING if row.state == RUNNING else CANCELLED
    save_row(session, row)
