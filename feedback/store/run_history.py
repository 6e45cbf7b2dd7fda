"""Queries for the run report: the run before, the numbers of a run, and the state of its adapter."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from feedback.store import runs
from feedback.store.engine import of_desk
from feedback.store.tables import Adapter, Deployment, Run, RunMetric

Numbers = dict[str, list[tuple[int, float]]]


def find_previous(session: Session, *, desk_id: str, run: Run, until: datetime) -> Run | None:
    """The last run before this one that trained for the base that serves; new records are counted from its
    start.
    """
    query = of_desk(Run, desk_id).where(Run.state == "done", Run.id != run.id, Run.kind != runs.REBASE)
    query = query.where(col(Run.started_at) < until)
    return session.exec(query.order_by(col(Run.started_at).desc(), col(Run.id)).limit(1)).first()


def find_run_behind(session: Session, *, desk_id: str, run: Run) -> Run | None:
    """The last run before this one that made an adapter on its base (on any, while that is unknown) with its
    objective: the losses of two objectives are no two points of one curve.
    """
    own = select(Adapter.base_id).where(Adapter.run_id == run.id).limit(1)
    base_id = session.exec(own).first()
    query = (
        of_desk(Run, desk_id)
        .join(Adapter, col(Adapter.run_id) == col(Run.id))
        .where(Run.state == "done", Run.id != run.id, col(Run.created_at) < run.created_at)
    )
    if base_id is not None:
        query = query.where(Adapter.base_id == base_id)
    if (objective := (run.recipe or {}).get("objective")) is not None:
        query = query.where(col(Run.recipe)["objective"].as_string() == objective)
    return session.exec(query.order_by(col(Run.created_at).desc(), col(Run.id)).limit(1)).first()


def find_latest_ended(session: Session, *, desk_id: str, but: str | None = None) -> Run | None:
    """The run that ended last; `but` is a kind to leave out."""
    query = of_desk(Run, desk_id).where(col(Run.state).in_(runs.FINISHED))
    if but is not None:
        query = query.where(Run.kind != but)
    return session.exec(query.order_by(col(Run.finished_at).desc(), col(Run.id)).limit(1)).first()


def list_ended(session: Session, *, desk_id: str, since: datetime) -> Sequence[Run]:
    """The runs that ended since a time in any state, oldest first."""
    query = of_desk(Run, desk_id).where(col(Run.state).in_(runs.FINISHED), col(Run.finished_at) >= since)
    return session.exec(query.order_by(col(Run.finished_at), col(Run.id))).all()


def list_evaluated(session: Session, *, desk_id: str, limit: int) -> Sequence[Run]:
    """The last runs that were evaluated, oldest first; those on another base stand apart."""
    query = of_desk(Run, desk_id).where(
        Run.state == "done", Run.kind != runs.REBASE, col(Run.report).is_not(None)
    )
    query = query.order_by(col(Run.started_at).desc(), col(Run.id)).limit(limit)
    return session.exec(query).all()[::-1]


def read_numbers(session: Session, *, run_id: str) -> Numbers:
    """Every number that a run recorded: (step, value) in order, by name."""
    query = select(RunMetric.name, RunMetric.step, RunMetric.value).where(
        RunMetric.run_id == run_id, col(RunMetric.name).not_in(runs.MARKS)
    )
    numbers: Numbers = {}
    for name, step, value in session.exec(query.order_by(col(RunMetric.id))):
        numbers.setdefault(name, []).append((step, value))
    return numbers


def list_began(session: Session, *, run_id: str) -> list[tuple[str, datetime]]:
    """Each step that the run entered and when, oldest first. A continued run enters some steps again."""
    marks = runs.list_metrics(session, run_id=run_id, name=runs.BEGAN)
    return [(runs.STEPS[int(mark.value)], mark.at) for mark in marks]


def find_made_adapter(session: Session, *, desk_id: str, name: str | None) -> Adapter | None:
    """The adapter that a run produced; None if it produced none, or ended after reserving a name."""
    return session.exec(of_desk(Adapter, desk_id).where(Adapter.name == name)).one_or_none()


def list_deployments_of(session: Session, *, desk_id: str, adapter: str) -> Sequence[Deployment]:
    """The deployments of this adapter, oldest first."""
    query = of_desk(Deployment, desk_id).where(Deployment.adapter == adapter)
    return session.exec(query.order_by(col(Deployment.fencing_token))).all()
