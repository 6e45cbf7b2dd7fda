"""Counts what came in since a time, which decides whether a training run is worth while."""

from datetime import datetime
from typing import Literal

from sqlmodel import Session, col, func, or_, select

from feedback.records.derived import IMPORT, JUDGEMENT
from feedback.records.from_judgement import CLOSING, LABEL
from feedback.store.tables import Record

TRAINED_ON = ("choice", "pair")
Counted = Literal["choices", "thumbs", "texts"]  # what one objective or another learns from


def has_records(session: Session, *, desk_id: str) -> bool:
    """Whether anything was ever judged, rated or imported."""
    return session.exec(select(Record.id).where(Record.desk_id == desk_id).limit(1)).first() is not None


def count_new_choices(
    session: Session, *, desk_id: str, since: datetime | None, at_most: int | None = None
) -> int:
    """The number of judgements since a time that may become a choice and were not taken back, of imported
    choices and pairs, and of those that settled items came to; each counted up to `at_most`, so that a page
    need not count a long history.

    This is an upper bound: records that the rules refuse later (for example equal replies) are counted too.
    """
    judged = select(Record.id).where(
        Record.desk_id == desk_id,
        Record.origin_kind == JUDGEMENT,
        col(Record.given).in_(CLOSING),
        or_(col(Record.rejection).is_(None), col(Record.rejection).not_in(("undone", "unblinded"))),
    )
    imported = select(Record.id).where(
        Record.desk_id == desk_id, Record.origin_kind == IMPORT, col(Record.kind).in_(TRAINED_ON)
    )
    labelled = select(Record.id).where(
        Record.desk_id == desk_id,
        Record.origin_kind == LABEL,
        col(Record.kind).in_(TRAINED_ON),
        col(Record.rejection).is_(None),
    )
    asked = [judged, imported, labelled]
    if since is not None:
        asked = [rows.where(Record.created_at > since) for rows in asked]
    found = (select(func.count()).select_from(rows.limit(at_most).subquery()) for rows in asked)
    return sum(session.exec(counted).one() for counted in found)


def count_new_thumbs(session: Session, *, desk_id: str, since: datetime | None) -> int:
    """The number of thumbs since a time, of customers, of imports and of settled items."""
    rows = select(func.count(col(Record.id))).where(
        Record.desk_id == desk_id, Record.kind == "thumb", col(Record.rejection).is_(None)
    )
    if since is not None:
        rows = rows.where(Record.created_at > since)
    return session.exec(rows).one()
