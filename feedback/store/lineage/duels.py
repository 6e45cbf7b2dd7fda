"""Duels with their verdicts, none of which is told before the duel is closed."""

from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from feedback.store.engine import of_desk
from feedback.store.tables import (
    Duel,
    DuelVerdict,
)

CLOSED = "closed"


def find_duel(
    session: Session, *, desk_id: str, duel_id: str, limit: int
) -> tuple[Duel, int, list[str]] | None:
    """A duel, the number of its verdicts and the first of them; none is told before it is closed."""
    row = session.exec(of_desk(Duel, desk_id).where(Duel.id == duel_id)).one_or_none()
    if row is None:
        return None
    if row.state != CLOSED:
        return row, 0, []
    said = (DuelVerdict.duel_id == duel_id, DuelVerdict.verdict != "undo")
    count = session.exec(select(func.count()).select_from(DuelVerdict).where(*said)).one()
    ids = select(DuelVerdict.id).where(*said).order_by(col(DuelVerdict.created_at), col(DuelVerdict.id))
    return row, count, list(session.exec(ids.limit(limit)))


@dataclass(frozen=True)
class VerdictFound:
    row: DuelVerdict
    is_closed: bool
    undone_by: str | None


def find_verdict(session: Session, *, desk_id: str, verdict_id: str) -> VerdictFound | None:
    query = (
        select(DuelVerdict, Duel.state)
        .join(Duel, col(Duel.id) == col(DuelVerdict.duel_id))
        .where(DuelVerdict.desk_id == desk_id, DuelVerdict.id == verdict_id)
    )
    found = session.exec(query).one_or_none()
    if found is None:
        return None
    undone_by = select(DuelVerdict.id).where(DuelVerdict.undoes == verdict_id)
    return VerdictFound(found[0], found[1] == CLOSED, session.exec(undone_by).one_or_none())
