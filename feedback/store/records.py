"""Imported training records and conversations: bulk writes and paged reads. Keyword-only, session first, no
commit.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, collate, func, insert, select, tuple_
from sqlmodel import Session, col

from feedback.records.from_judgement import LIVE
from feedback.store.choices import Key, iterate_pages
from feedback.store.tables import Conversation, Message, Record

PAGE = 1_000


def find_bodies(
    session: Session, *, desk_id: str, kind: str, source: str, identities: Collection[str]
) -> dict[str, dict[str, Any]]:
    """The stored bodies of those identities that exist."""
    query = select(col(Record.identity), col(Record.body)).where(
        col(Record.desk_id) == desk_id,
        col(Record.kind) == kind,
        col(Record.source) == source,
        col(Record.identity).in_(identities),
    )
    return {identity: body for identity, body in session.execute(query)}


def add_records(session: Session, *, rows: Sequence[dict[str, Any]]) -> None:
    """Inserts new rows of `record`. If an identity exists already, the whole unit of work fails."""
    if rows:
        session.execute(insert(Record), list(rows))


def find_conversations(
    session: Session, *, desk_id: str, source: str, external_ids: Collection[str]
) -> set[str]:
    """Which of these conversations of a source are in the store already."""
    query = select(col(Conversation.external_id)).where(
        col(Conversation.desk_id) == desk_id,
        col(Conversation.source) == source,
        col(Conversation.external_id).in_(external_ids),
    )
    return {external_id for external_id in session.scalars(query) if external_id is not None}


def add_conversations(
    session: Session, *, conversations: Sequence[dict[str, Any]], messages: Sequence[dict[str, Any]]
) -> None:
    """Inserts imported conversations with their messages. No turn is opened for them."""
    if conversations:
        session.execute(insert(Conversation), list(conversations))
        session.execute(insert(Message), list(messages))


def read_records(
    session: Session,
    *,
    desk_id: str,
    kind: str,
    sources: Collection[str] = (),
    after: Key | None = None,
    until: datetime | None = None,
    limit: int = PAGE,
) -> list[Record]:
    """Imported records in the order of (source, identity), independent of the order of import. `after` is the
    pair of the last record already read.
    """
    source, identity = (_bytewise(session, column) for column in (col(Record.source), col(Record.identity)))
    # Not by origin_kind: SQLite would then walk another index and sort for every page.
    query = select(Record).where(
        col(Record.desk_id) == desk_id, col(Record.kind) == kind, col(Record.source) != LIVE
    )
    if sources:
        query = query.where(col(Record.source).in_(sources))
    if until is not None:
        query = query.where(col(Record.created_at) <= until)
    if after is not None:
        query = query.where(tuple_(source, identity) > after)
    return list(session.scalars(query.order_by(source, identity).limit(limit)))


def count_records(session: Session, *, desk_id: str, sources: Collection[str], until: datetime) -> int:
    """The number of records of these sources, or of all sources if none is given. Records of judgements and
    thumbs count too.
    """
    query = select(func.count()).select_from(Record)
    query = query.where(col(Record.desk_id) == desk_id, col(Record.created_at) <= until)
    if sources:
        query = query.where(col(Record.source).in_(sources))
    return session.scalar(query) or 0


def iterate_records(
    store_engine: Engine, *, desk_id: str, kind: str, sources: Collection[str], until: datetime
) -> Iterator[Record]:
    return iterate_pages(
        store_engine,
        lambda session, after: read_records(
            session, desk_id=desk_id, kind=kind, sources=sources, after=after, until=until
        ),
        lambda row: (row.source, row.identity),
    )


def _bytewise(session: Session, column: Any) -> ColumnElement[str]:
    """The column compared by bytes: this is SQLite's default, and gives PostgreSQL a sort order that is
    independent of its locale.
    """
    ordered: ColumnElement[str] = column
    return collate(ordered, "C") if session.get_bind().dialect.name == "postgresql" else ordered
