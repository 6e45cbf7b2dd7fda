"""Runs, adapters, what was decided on them, and when they served."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, or_
from sqlmodel import Session, col, func, select

from feedback.store.engine import of_desk
from feedback.store.tables import (
    Adapter,
    AdapterEvent,
    Approval,
    Candidate,
    Deployment,
    Duel,
    ExposureDecision,
    Run,
    SuggestionSet,
)

JUDGED = "judged"
TWO_VERSIONS = "2+1+1"


def find_run(session: Session, *, desk_id: str, run_id: str) -> tuple[Run, list[str]] | None:
    """A run and the names of the adapters it registered."""
    row = session.exec(of_desk(Run, desk_id).where(Run.id == run_id)).one_or_none()
    if row is None:
        return None
    names = select(Adapter.name).where(Adapter.run_id == run_id).order_by(col(Adapter.name))
    return row, list(session.exec(names))


def find_adapter(session: Session, *, desk_id: str, name: str) -> Adapter | None:
    return session.exec(of_desk(Adapter, desk_id).where(Adapter.name == name)).one_or_none()


def find_event(session: Session, *, desk_id: str, event_id: int) -> AdapterEvent | None:
    query = (
        select(AdapterEvent)
        .join(Adapter, col(Adapter.name) == col(AdapterEvent.adapter))
        .where(Adapter.desk_id == desk_id, AdapterEvent.id == event_id)
    )
    return session.exec(query).one_or_none()


def find_exposure(session: Session, *, desk_id: str, row_id: int) -> ExposureDecision | None:
    return session.exec(of_desk(ExposureDecision, desk_id).where(ExposureDecision.id == row_id)).one_or_none()


def find_approval(session: Session, *, desk_id: str, row_id: int) -> Approval | None:
    return session.exec(of_desk(Approval, desk_id).where(Approval.id == row_id)).one_or_none()


class Told(NamedTuple):
    """One row of an adapter's story, in the order of time; `state` is what a decision leads to, or a role."""

    at: datetime
    rank: int
    number: int
    kind: str
    id: str
    state: str = ""


def list_timeline(session: Session, *, adapter: Adapter) -> list[tuple[str, str]]:
    """(kind, id) of what happened to an adapter since it was registered, in order: its report, what picks and
    people said of it, decisions, and intervals of serving, each after the decision that began it.
    """
    desk_id, name = adapter.desk_id, adapter.name
    history = select(AdapterEvent).where(
        AdapterEvent.adapter == name,
        AdapterEvent.from_state != AdapterEvent.to_state,  # equal ones are intentions
        AdapterEvent.from_state != "",  # its registration
    )
    served = of_desk(Deployment, desk_id).where(Deployment.adapter == name)
    looks = of_desk(ExposureDecision, desk_id).where(ExposureDecision.adapter == name)
    words = of_desk(Approval, desk_id).where(Approval.adapter == name)
    told = [
        *(Told(row.at, 0, row.id or 0, "exposure", str(row.id)) for row in session.exec(looks)),
        *(Told(row.at, 0, row.id or 0, "approval", str(row.id)) for row in session.exec(words)),
        *(
            Told(row.at, 1, row.id or 0, "decision", str(row.id), row.to_state)
            for row in session.exec(history)
        ),
        *(Told(row.at, 2, row.fence, "deployment", str(row.fence), row.role) for row in session.exec(served)),
    ]
    story = [("report", name)] if adapter.report else []
    waiting = sorted(told)
    state = ""
    while waiting:
        # Rows of one moment: an interval stands right after the decision for its role, else last.
        now = [each for each in waiting if each.at == waiting[0].at]
        begun = (each for each in now if each.kind == "deployment" and each.state == state)
        nearest = next(begun, now[0])
        waiting.remove(nearest)
        story.append((nearest.kind, nearest.id))
        state = nearest.state if nearest.kind == "decision" else ""
    return story


def list_duels_of(session: Session, *, adapter: Adapter) -> list[str]:
    """The duels in which it was compared, oldest first."""
    query = select(Duel.id).where(
        Duel.desk_id == adapter.desk_id,
        or_(col(Duel.adapter) == adapter.name, col(Duel.rival) == adapter.name),
    )
    return list(session.exec(query.order_by(col(Duel.created_at), col(Duel.id))))


@dataclass(frozen=True)
class Interval:
    """A deployment row and what ended it; both are None while it is in force."""

    row: Deployment
    ended: Deployment | None
    sets: int  # drawn in it, judged or not
    judged: int
    newest: list[str]  # of the judged ones


def find_interval(session: Session, *, desk_id: str, fence: int, limit: int) -> Interval | None:
    rows = of_desk(Deployment, desk_id)
    row = session.exec(rows.where(Deployment.fence == fence)).one_or_none()
    if row is None:
        return None
    follows = rows.where(Deployment.role == row.role, Deployment.fence > fence)
    ended = session.exec(follows.order_by(col(Deployment.fence)).limit(1)).one_or_none()
    if row.adapter is None:
        return Interval(row, ended, 0, 0, [])
    later = rows.where(Deployment.adapter == row.adapter, Deployment.fence > fence)
    again = session.exec(later.order_by(col(Deployment.fence)).limit(1)).one_or_none()
    drawn: list[Any] = [
        SuggestionSet.desk_id == desk_id,
        or_(col(SuggestionSet.adapter) == row.adapter, _has_both(row.adapter)),
        SuggestionSet.created_at >= row.at,
    ]
    if again is not None:  # from there on they are that one's
        drawn.append(SuggestionSet.created_at < again.at)
    counted = select(SuggestionSet.state, func.count()).where(*drawn).group_by(SuggestionSet.state)
    counts = dict(session.exec(counted).all())
    newest = select(SuggestionSet.id).where(*drawn, SuggestionSet.state == JUDGED)
    order = (col(SuggestionSet.created_at).desc(), col(SuggestionSet.id))
    return Interval(
        row=row,
        ended=ended,
        sets=sum(counts.values()),
        judged=counts.get(JUDGED, 0),
        newest=list(session.exec(newest.order_by(*order).limit(limit))),
    )


def _has_both(adapter: str) -> Any:
    """Whether a set that holds two versions holds this one: its row names the newer alone."""
    beside = select(Candidate.id).where(Candidate.set_id == SuggestionSet.id, Candidate.adapter == adapter)
    return and_(col(SuggestionSet.design) == TWO_VERSIONS, beside.exists())
