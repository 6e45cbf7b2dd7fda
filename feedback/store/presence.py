"""Who is at the desk and reads which turn, as their pages last said.

Reading holds nothing: colleagues see it and may answer all the same. What holds a turn is a claim
(`turns.py`).
"""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from feedback.clock import still_runs
from feedback.store.engine import get_row, of_desk
from feedback.store.tables import Presence, Turn
from feedback.store.turns import release_claims

READS = timedelta(minutes=1)  # since the page last said so
THERE = timedelta(minutes=3)  # a browser lets a page that is not in sight speak once a minute at most


def note_presence(session: Session, *, desk_id: str, agent: str, turn_id: str | None, now: datetime) -> None:
    """This agent is at the desk and looks at this turn, or at none."""
    if turn_id is not None:
        get_row(session, Turn, turn_id, desk_id=desk_id, what="turn")
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    seen = {"turn_id": turn_id, "at": now}
    row = insert(Presence).values(desk_id=desk_id, agent=agent, **seen)
    session.connection().execute(row.on_conflict_do_update(index_elements=["desk_id", "agent"], set_=seen))


def end_presence(session: Session, *, desk_id: str, agent: str) -> None:
    """They have gone: known at once, not after a while of silence."""
    theirs = (col(Presence.desk_id) == desk_id) & (col(Presence.agent) == agent)
    session.connection().execute(delete(Presence).where(theirs))


def leave_desk(session: Session, *, desk_id: str, agent: str) -> None:
    """They have signed out: they read nothing and hold nothing."""
    end_presence(session, desk_id=desk_id, agent=agent)
    release_claims(session, desk_id=desk_id, agent=agent)


def list_readers(session: Session, *, desk_id: str, now: datetime) -> dict[str, list[str]]:
    """By turn, the agents who look at it now."""
    readers: dict[str, list[str]] = {}
    query = of_desk(Presence, desk_id).where(col(Presence.turn_id).is_not(None))
    for row in session.exec(query.order_by(col(Presence.agent))):
        if row.turn_id is not None and still_runs(row.at + READS, now=now, term=READS):
            readers.setdefault(row.turn_id, []).append(row.agent)
    return readers


def count_present(session: Session, *, desk_id: str, now: datetime) -> int:
    """How many people are at the desk, whatever they look at."""
    times = session.connection().scalars(_TIMES, {"desk_id": desk_id})
    return sum(still_runs(at + THERE, now=now, term=THERE) for at in times)


_TIMES = select(Presence.at).where(Presence.desk_id == bindparam("desk_id"))
