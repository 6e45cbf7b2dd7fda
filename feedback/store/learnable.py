"""Counts what can be learnt from, where picks fell, and reads what edits changed. Reads only."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session, and_, col, func, or_, select

from feedback.records.derived import IMPORT, JUDGEMENT
from feedback.store.live_judgements import is_live
from feedback.store.new_records import TRAINED_ON
from feedback.store.tables import Candidate, Judgement, Record

WRITTEN = ("edit", "own")  # kinds with a text that a person wrote


class PickedPlace(NamedTuple):
    """Picks of one card in a set of so many."""

    slot: int
    cards: int
    picks: int


def count_usable(session: Session, *, desk_id: str, but: Collection[str]) -> int:
    """The choices and pairs that a dataset can take; `but` are sources to leave out. A copy counts, too."""
    return int(session.scalar(_usable(desk_id, but)) or 0)


def count_written(
    session: Session, *, desk_id: str, but: Collection[str], since: datetime | None = None
) -> int:
    """How many of these hold a text that a person wrote: an edit, an own reply, a rewrite."""
    came = and_(col(Record.origin_kind) == IMPORT, col(Record.body)["kind"].as_string().in_(WRITTEN))
    written = _usable(desk_id, but).where(or_(col(Record.settled).in_(WRITTEN), came))
    if since is not None:
        written = written.where(col(Record.created_at) > since)
    return int(session.scalar(written) or 0)


def _usable(desk_id: str, but: Collection[str]) -> Any:
    return select(func.count()).where(
        col(Record.desk_id) == desk_id,
        col(Record.kind).in_(TRAINED_ON),
        col(Record.rejection).is_(None),
        col(Record.erased_at).is_(None),
        col(Record.source).not_in(but),
        or_(col(Record.origin_kind) == IMPORT, col(Record.pairs) > 0),
    )


def count_places(session: Session, *, desk_id: str, limit: int) -> list[PickedPlace]:
    """The latest picks of one card by its place, and by how many cards could be picked."""
    latest = (
        select(col(Record.slot).label("slot"), func.json_array_length(col(Record.cards)).label("cards"))
        .where(
            col(Record.desk_id) == desk_id,
            col(Record.origin_kind) == JUDGEMENT,
            col(Record.given) == "pick",
            col(Record.rejection).is_(None),
            col(Record.slot).is_not(None),
        )
        .order_by(col(Record.created_at).desc(), col(Record.origin_id).desc())
        .limit(limit)
        .subquery()
    )
    query: Any = select(latest.c.slot, latest.c.cards, func.count())
    return [PickedPlace(*row) for row in session.exec(query.group_by(latest.c.slot, latest.c.cards))]


def list_edits(
    session: Session, *, desk_id: str, since: datetime | None, limit: int
) -> list[tuple[str, str]]:
    """The suggested and the sent text of the latest edits that nobody took back."""
    query = (
        select(Candidate.text, Judgement.text)
        .join(Judgement, col(Judgement.candidate_id) == col(Candidate.id))
        .where(col(Judgement.desk_id) == desk_id, col(Judgement.kind) == "edit", is_live())
        .where(col(Candidate.text).is_not(None), col(Judgement.text).is_not(None))
    )
    if since is not None:
        query = query.where(col(Judgement.created_at) >= since)
    query = query.order_by(col(Judgement.created_at).desc(), col(Judgement.id)).limit(limit)
    return [(before or "", after or "") for before, after in session.exec(query)]
