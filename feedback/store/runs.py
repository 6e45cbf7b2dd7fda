"""Queries over runs of the nightly job: request one, claim it, write its progress, end it.

A run is claimed under a lease with a fencing token: each claim raises `fencing_token`, and every write of a
worker carries the one it was given. A worker that was paused past its lease and taken over can write no more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select, update

from feedback.errors import IllegalRunState, NotFound, StaleLease
from feedback.lease import Lease, lease_of
from feedback.store.engine import get_row, of_desk, save_row
from feedback.store.tables import Run, RunMetric

STEPS = ("collect", "train", "evaluate", "gate", "publish")
# The kind of a run that trains on another base than the one that serves; its adapter is published to nobody.
REBASE = "rebase"
FINISHED = frozenset({"done", "failed", "cancelled", "skipped"})
# A run whose worker died this often would die again: it ends as failed and the next slot starts afresh.
MAX_CLAIMS = 4
# Marks among a run's numbers, which are none of its training's:
BEGAN = "began"  # when it entered a step (its `at`), the step's place as value
RESTS = "rests"  # from when on the engine leaves its card to the run, its seconds as value (rests.py)
MARKS = (BEGAN, RESTS)


@dataclass(frozen=True)
class RunToken:
    """The run and the fencing token that a worker holds. A higher fencing token in the row: another worker
    took it over.
    """

    run_id: str
    fencing_token: int


@dataclass(frozen=True)
class Metric:
    """One metric of a run at an optimiser step."""

    name: str
    step: int
    value: float


def file_run_request(
    session: Session,
    *,
    desk_id: str,
    kind: str,
    slot: str,
    request: dict[str, Any],
    requested_by: str,
    now: datetime,
) -> tuple[Run, bool]:
    """Requests a run; returns it and whether it is new. Two requests for one slot give one run."""
    found = find_run(session, desk_id=desk_id, kind=kind, slot=slot)
    if found is not None:
        return found, False
    run = Run(
        desk_id=desk_id, kind=kind, slot=slot, request=request, requested_by=requested_by, created_at=now
    )
    save_row(session, run)
    return run, True


def name_other_base(run: Run) -> str | None:
    """The base that a run of a rebase trains on; None for a run on the base that serves."""
    return (run.request.get("serving") or {}).get("base_model")


def find_run(session: Session, *, desk_id: str, kind: str, slot: str) -> Run | None:
    return session.exec(of_desk(Run, desk_id).where(Run.kind == kind, Run.slot == slot)).first()


def find_unfinished(session: Session, *, desk_id: str) -> Run | None:
    """The run that is executed now, or else the next one in the queue."""
    query = of_desk(Run, desk_id).where(col(Run.state).in_(("queued", "running")))
    first = (col(Run.state).desc(), col(Run.created_at), col(Run.id))
    return session.exec(query.order_by(*first).limit(1)).first()


def get_run(session: Session, *, desk_id: str, run_id: str) -> Run:
    return get_row(session, Run, run_id, desk_id=desk_id, what="run")


def select_runs(
    session: Session,
    *,
    desk_id: str,
    state: str | None = None,
    kind: str | None = None,
    dataset_id: str | None = None,
    but: str | None = None,
    limit: int = 50,
) -> Sequence[Run]:
    """The runs of a desk, newest first; `but` is a kind to leave out."""
    query = of_desk(Run, desk_id)
    if but is not None:
        query = query.where(Run.kind != but)
    for column, value in ((Run.state, state), (Run.kind, kind), (Run.dataset_id, dataset_id)):
        if value is not None:
            query = query.where(col(column) == value)
    return session.exec(query.order_by(col(Run.created_at).desc(), col(Run.id)).limit(limit)).all()


def latest_run(
    session: Session,
    *,
    desk_id: str,
    kind: str | None = None,
    state: str | None = None,
    but: str | None = None,
) -> Run | None:
    found = select_runs(session, desk_id=desk_id, state=state, kind=kind, but=but, limit=1)
    return next(iter(found), None)


def count_by_state(session: Session, *, desk_id: str) -> dict[str, int]:
    rows = session.exec(
        select(Run.state, func.count()).where(Run.desk_id == desk_id).group_by(Run.state)
    ).all()
    return dict(rows)


def claim_run(session: Session, *, desk_id: str, owner: str, now: datetime, lease_s: float) -> Run | None:
    """Takes the run whose worker went silent, else the oldest queued; None if one is running or none waits.

    The row has the fencing token that the worker must send with every write, and the step to continue from.
    """
    running = session.exec(of_desk(Run, desk_id).where(Run.state == "running")).all()
    for run in running:
        if not lease_of(run).is_over(now=now, term=timedelta(seconds=lease_s)):
            return None
        deaths = run.fencing_token - run.given_back
        if deaths < MAX_CLAIMS:
            return _give(session, run, owner, now, lease_s)
        died = f"its worker died {deaths} times, last at step {run.step}: see the run's log"
        _end(session, run, "failed", now, error=died, raise_fencing_token=True)
    queued = of_desk(Run, desk_id).where(Run.state == "queued")
    oldest = session.exec(queued.order_by(col(Run.created_at), col(Run.id)).limit(1)).first()
    return None if oldest is None else _give(session, oldest, owner, now, lease_s)


def renew_lease(session: Session, *, run_id: str, token: int, now: datetime, lease_s: float) -> None:
    """Keep the claim for `lease_s` more seconds; StaleLease if the run was taken over, cancelled or ended."""
    run = check_token(session, run_id=run_id, token=token)
    run.lease_until = now + timedelta(seconds=lease_s)
    session.add(run)


def give_back(session: Session, *, run_id: str, token: int, now: datetime) -> None:
    """Gives up the claim of a worker that is being stopped. StaleLease if it holds the run no more."""
    run = check_token(session, run_id=run_id, token=token)
    run.lease_until = now
    run.given_back += 1
    session.add(run)


def advance(
    session: Session,
    *,
    run_id: str,
    token: int,
    step: str | None = None,
    progress: float | None = None,
    recipe: dict[str, Any] | None = None,
    dataset_id: str | None = None,
    adapter: str | None = None,
    report: dict[str, Any] | None = None,
    decision: str | None = None,
    reasons: list[dict[str, Any]] | None = None,
    now: datetime | None = None,
) -> Run:
    """Writes the given values and leaves the others. `progress` is the share of the step that is done; a new
    step starts at 0, and with `now` its starting time is kept.
    """
    run = check_token(session, run_id=run_id, token=token)
    if step is not None and step != run.step:
        assert step in STEPS, step
        run.step, run.progress = step, 0.0
        if now is not None:
            session.add(RunMetric(run_id=run_id, name=BEGAN, step=0, value=STEPS.index(step), at=now))
    given = {
        "progress": progress,
        "recipe": recipe,
        "dataset_id": dataset_id,
        "adapter": adapter,
        "report": report,
        "decision": decision,
        "reasons": reasons,
    }
    for field, value in given.items():
        if value is not None:
            setattr(run, field, value)
    session.add(run)
    return run


def finish_run(
    session: Session,
    *,
    run_id: str,
    token: int,
    state: str,
    now: datetime,
    error: str | None = None,
    reasons: list[dict[str, Any]] | None = None,
) -> Run:
    """End a run as done, failed, skipped (with the reason, such as too little new data) or cancelled."""
    assert state in FINISHED, state
    run = check_token(session, run_id=run_id, token=token)
    if reasons is not None:
        run.reasons = reasons
    if state == "done":
        run.progress = 1.0
    _end(session, run, state, now, error=error)
    return run


def end_cancelled_run(session: Session, *, desk_id: str, run_id: str, now: datetime) -> Run:
    """Ends a queued run, or takes a running one from its worker, whose next write then raises StaleLease."""
    run = get_run(session, desk_id=desk_id, run_id=run_id)
    if run.state in FINISHED:
        raise IllegalRunState(run_id, run.state, "cancelled")
    _end(session, run, "cancelled", now, raise_fencing_token=True)
    return run


def check_token(session: Session, *, run_id: str, token: int) -> Run:
    """The run that this token still holds, locked: the guard of every write that a worker makes."""
    run = session.get(Run, run_id, with_for_update={"key_share": True}, populate_existing=True)
    if run is None:
        raise NotFound("run", run_id)
    if run.fencing_token != token or run.state != "running":
        raise StaleLease(run_id, token, run.fencing_token, run.state)
    return run


def add_metrics(
    session: Session, *, run_id: str, token: int, metrics: Iterable[Metric], now: datetime
) -> None:
    check_token(session, run_id=run_id, token=token)
    session.add_all(
        RunMetric(run_id=run_id, name=metric.name, step=metric.step, value=metric.value, at=now)
        for metric in metrics
    )


def list_metrics(
    session: Session, *, run_id: str, name: str | None = None, after_id: int = 0, limit: int = 5000
) -> Sequence[RunMetric]:
    """The numbers of a run in the order of writing, after row `after_id`; a page passes the last id it has.

    Without a name it returns every number of the training, but no marks.
    """
    query = select(RunMetric).where(RunMetric.run_id == run_id, col(RunMetric.id) > after_id)
    query = query.where(col(RunMetric.name).not_in(MARKS) if name is None else RunMetric.name == name)
    return session.exec(query.order_by(col(RunMetric.id)).limit(limit)).all()


def drop_metrics_from(session: Session, *, run_id: str, token: int, step: int) -> None:
    """Deletes the numbers from `step` on, which a resumed training writes again."""
    check_token(session, run_id=run_id, token=token)
    for metric in session.exec(
        select(RunMetric).where(RunMetric.run_id == run_id, RunMetric.step >= step)
    ).all():
        session.delete(metric)


def _give(session: Session, run: Run, owner: str, now: datetime, lease_s: float) -> Run | None:
    """Claims the run if its fencing token is still as read: of two concurrent claims the second fails."""
    claimed = session.exec(
        update(Run)
        .where(
            col(Run.id) == run.id, col(Run.fencing_token) == run.fencing_token, col(Run.state) == run.state
        )
        .values(
            state="running",
            fencing_token=run.fencing_token + 1,
            lease_owner=owner,
            lease_until=now + timedelta(seconds=lease_s),
            started_at=run.started_at or now,
        )
    )
    if claimed.rowcount != 1:
        return None
    session.refresh(run)
    return run


def _end(
    session: Session,
    run: Run,
    state: str,
    now: datetime,
    *,
    error: str | None = None,
    raise_fencing_token: bool = False,
) -> None:
    run.state, run.finished_at = state, now
    Lease().write_to(run)
    if error is not None:
        run.error = error
    if raise_fencing_token:
        run.fencing_token += 1
    save_row(session, run)
