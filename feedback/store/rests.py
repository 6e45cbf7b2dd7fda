"""When the engine leaves its card to a run: a mark among the run's numbers, written by its worker and read by
whoever keeps the engine.

A rest lasts no longer than the worker's claim on the run. However a run ends, and whoever is killed, nothing
has to be taken back for the engine to return.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from feedback.lease import is_owner_gone, lease_of
from feedback.store.engine import of_desk
from feedback.store.runs import RESTS, check_token
from feedback.store.tables import Run, RunMetric

UNKNOWN = 1.0  # seconds: how long the rest lasts is not known yet
OVER = 0.0


@dataclass(frozen=True)
class Rest:
    """`until`: about when the run needs the card no more; None if nobody knows, or it lasts longer."""

    run_id: str
    until: datetime | None


def mark_rest(session: Session, *, run_id: str, token: int, now: datetime, seconds: float) -> None:
    """Begins the rest, or tells anew how long it lasts; OVER ends it. Raises StaleLease."""
    check_token(session, run_id=run_id, token=token)
    session.add(RunMetric(run_id=run_id, name=RESTS, step=0, value=seconds, at=now))


def find_last_mark(session: Session, *, run_id: str) -> RunMetric | None:
    query = select(RunMetric).where(RunMetric.run_id == run_id, RunMetric.name == RESTS)
    return session.exec(query.order_by(col(RunMetric.id).desc()).limit(1)).first()


def is_resting(session: Session, *, run_id: str) -> bool:
    """Whether this run has the engine's card, as long as its worker holds it."""
    mark = find_last_mark(session, run_id=run_id)
    return mark is not None and mark.value > OVER


def find_rest(session: Session, *, desk_id: str, now: datetime, lease_s: float) -> Rest | None:
    """The rest that holds now, if any. `lease_s`: how long a worker's claim lasts without renewal."""
    for run in session.exec(of_desk(Run, desk_id).where(Run.state == "running")).all():
        lease = lease_of(run)
        if lease.is_over(now=now, term=timedelta(seconds=lease_s)) or is_owner_gone(lease.owner):
            continue
        mark = find_last_mark(session, run_id=run.id)
        if mark is not None and mark.value > OVER:
            until = mark.at + timedelta(seconds=mark.value)
            return Rest(run.id, until if mark.value > UNKNOWN and until > now else None)
    return None
