"""Reads records of judgements in pages for the fits: the picks that count, and when sets were closed."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, or_, select, tuple_
from sqlmodel import Session, col

from feedback.records.arms import COUNTED_DESIGN
from feedback.records.derived import JUDGEMENT, TIE_OF_ALL, UNDONE
from feedback.records.from_judgement import CLOSING
from feedback.store.choices import Key, iterate_pages
from feedback.store.tables import Record

MANY = 5_000  # rows of a page, which hold no texts
PLACE = (col(Record.created_at), col(Record.origin_id))


def iterate_picks(store_engine: Engine, *, desk_id: str, adapter: str) -> Iterator[Any]:
    """Picks that count towards the support rate of an adapter, oldest first."""
    query = select(
        *PLACE,
        col(Record.adapter),
        col(Record.agent),
        col(Record.winner),
        col(Record.cards),
        col(Record.tags),
        col(Record.language),
    ).where(
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == JUDGEMENT,
        col(Record.adapter) == adapter,
        col(Record.design) == COUNTED_DESIGN,
        or_(col(Record.rejection).is_(None), col(Record.rejection) == TIE_OF_ALL),
        col(Record.winner).is_not(None),
        col(Record.incomparable).is_(None),
    )
    return _iterate(store_engine, query)


def iterate_closings(store_engine: Engine, *, desk_id: str) -> Iterator[tuple[str | None, Any, str]]:
    """(agent, created_at, id) of judgements that closed a set and were not taken back, oldest first."""
    query = select(*PLACE, col(Record.agent)).where(
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == JUDGEMENT,
        col(Record.given).in_(CLOSING),
        or_(col(Record.rejection).is_(None), col(Record.rejection) != UNDONE),
    )
    for at, id, agent in _iterate(store_engine, query):
        yield agent, at, id


def _iterate(store_engine: Engine, query: Any) -> Iterator[Any]:
    """Yields the rows of a query in pages. The query's first columns must be those of PLACE, by which it is
    paged.
    """
    ordered = query.order_by(*PLACE).limit(MANY)

    def fetch(session: Session, after: Key | None) -> list[Any]:
        page = ordered if after is None else ordered.where(tuple_(*PLACE) > after)
        return list(session.execute(page))

    return iterate_pages(store_engine, fetch, lambda row: (row[0], row[1]))
