"""Reads records of judgements in pages for the fits: the picks that count, and when sets were closed."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, or_, select
from sqlmodel import col

from feedback.records.arms import COUNTED_DESIGN
from feedback.records.derived import JUDGEMENT, TIE_OF_ALL, UNDONE
from feedback.records.from_judgement import CLOSING
from feedback.store.choices import iterate_query
from feedback.store.engine import columns_of
from feedback.store.tables import Record

MANY = 5_000  # rows of a page, which hold no texts
PLACE = columns_of(Record, "created_at origin_id")


def iterate_picks(store_engine: Engine, *, desk_id: str, adapter: str) -> Iterator[Any]:
    """Picks that count towards the support rate of an adapter, oldest first."""
    query = select(*PLACE, *columns_of(Record, "adapter agent winner cards tags language")).where(
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == JUDGEMENT,
        col(Record.adapter) == adapter,
        col(Record.design) == COUNTED_DESIGN,
        or_(col(Record.rejection).is_(None), col(Record.rejection) == TIE_OF_ALL),
        col(Record.winner).is_not(None),
        col(Record.incomparable).is_(None),
    )
    return iterate_query(store_engine, query, place=PLACE, limit=MANY)


def iterate_closings(store_engine: Engine, *, desk_id: str) -> Iterator[Any]:
    """(created_at, id, agent) of judgements that closed a set and were not taken back, oldest first."""
    query = select(*PLACE, col(Record.agent)).where(
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == JUDGEMENT,
        col(Record.given).in_(CLOSING),
        or_(col(Record.rejection).is_(None), col(Record.rejection) != UNDONE),
    )
    return iterate_query(store_engine, query, place=PLACE, limit=MANY)
