"""Who is at the desk and which turn they read, as their pages last reported.

Reading holds nothing: colleagues see it and may still answer. A claim is what holds a turn (`turns.py`).
"""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from feedback.clock import still_runs
from feedback.store.engine import get_row, of_desk
from feedback.store.tables import Presence, Turn
from feedback.store.turns import release_claims

READS = timedelta(minutes=1)  # a reading counts for so long after the page's last report
THERE = timedelta(minutes=3)  # a browser lets a page that is not in sight speak once a minute at most


def note_presence(session: Session, *, desk_id: str, agent: str, turn_id: str | None, now: datetime) -> None:
    """Records that this agent is at the desk and looks at this turn, or at none."""
    if turn_id is not None:
        get_row(session, Turn, turn_id, desk_id=desk_id, what="turn")
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    seen = {"turn_id": turn_id, "at": now}
    row = insert(Presence).values(desk_id=desk_id, agent=agent, **seen)
    session.connection().execute(row.on_conflict_do_update(index_elements=["desk_id", "agent"], set_=seen))


def end_presence(session: Session, *, desk_id: str, agent: str) -> None:
    """Records that an agent's page was closed, so that colleagues see it at once and not after a timeout."""
    theirs = (col(Presence.desk_id) == desk_id) & (col(Presence.agent) == agent)
    session.connection().execute(delete(Presence).where(theirs))


def leave_desk(session: Session, *, desk_id: str, agent: str) -> None:
    """Records that an agent signed out: they read no turn and hold no claim."""
    end_presence(session, desk_id=desk_id, agent=agent)
    release_claims(session, desk_id=desk_id, agent=agent)


def list_readers(session: Session, *, desk_id: str, now: datetime) -> dict[str, list[str]]:
    """The agents who look at each turn now, by turn."""
    readers: dict[str, list[str]] = {}
    query = of_desk(Presence, desk_id).where(col(Presence.turn_id).is_not(None))
    for row in session.exec(query.order_by(col(Presence.agent))):
        if row.turn_id is not None and still_runs(row.at + READS, now=now, term=READS):
            readers.setdefault(row.turn_id, []).append(row.agent)
    return readers


def count_present(session: Session, *, desk_id: str, now: datetime) -> int:
    """The number of people at the desk, whatever they look at."""
    times = session.connection().scalars(_TIMES, {"desk_id": desk_id})
    return sum(still_runs(at + THERE, now=now, term=THERE) for at in times)


_TIMES = select(Presence.at).where(Presence.desk_id == bindparam("desk_id"))
