"""Imported training records and conversations: bulk writes and paged reads. Session first, no commit."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Engine, String, cast, collate, func, insert, select
from sqlmodel import Session, col

from feedback.records.derived import IMPORT
from feedback.records.from_conversation import name_text
from feedback.records.from_judgement import OWN_SOURCES
from feedback.store.choices import iterate_query
from feedback.store.engine import columns_of
from feedback.store.tables import Conversation, Message, Record
from feedback.store.whole_conversations import PLACE, TOLD, add_messages

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


def count_records(session: Session, *, desk_id: str, sources: Collection[str], until: datetime) -> int:
    """The number of records of these sources, or of all if none is given; live ones count too."""
    query = select(func.count()).select_from(Record)
    query = query.where(col(Record.desk_id) == desk_id, col(Record.created_at) <= until)
    if sources:
        query = query.where(col(Record.source).in_(sources))
    return session.scalar(query) or 0


def iterate_records(
    store_engine: Engine, *, desk_id: str, kind: str, sources: Collection[str], until: datetime
) -> Iterator[Record]:
    """Imported records in the order of (source, identity), however they were imported."""
    place = tuple(_bytewise(store_engine, column) for column in columns_of(Record, "source identity"))
    # Not by origin_kind: SQLite would then walk another index and sort for every page.
    is_asked = col(Record.desk_id) == desk_id, col(Record.kind) == kind, col(Record.created_at) <= until
    query = select(*place, Record).where(*is_asked, col(Record.source).not_in(OWN_SOURCES))
    if sources:
        query = query.where(col(Record.source).in_(sources))
    for *_, record in iterate_query(store_engine, query, place=place, limit=PAGE):
        yield record


def iterate_conversations(
    store_engine: Engine, *, desk_id: str, sources: Collection[str], until: datetime
) -> Iterator[tuple[Any, list[Any]]]:
    """Imported conversations in the order of (source, id), however they were imported, each with its
    messages. Erased ones have none.
    """
    place = tuple(
        _bytewise(store_engine, column) for column in columns_of(Conversation, "source external_id")
    )
    query = select(*place, *PLACE, *TOLD).where(
        col(Conversation.desk_id) == desk_id,
        col(Conversation.source).not_in(OWN_SOURCES),
        col(Conversation.external_id).is_not(None),
        col(Conversation.created_at) <= until,
    )
    if sources:
        query = query.where(col(Conversation.source).in_(sources))
    return iterate_query(store_engine, query, place=place, complete=add_messages)


def list_text_names(session: Session, *, conversation_ids: Sequence[str]) -> list[tuple[str, str, str]]:
    """The names (form, source, id) under which datasets may hold what people wrote in these conversations."""
    told = select(*columns_of(Conversation, "source external_id"), col(Message.position))
    query = told.join(Message, col(Message.conversation_id) == col(Conversation.id)).where(
        col(Conversation.id).in_(conversation_ids),
        col(Conversation.source).not_in(OWN_SOURCES),
        col(Conversation.external_id).is_not(None),
        col(Message.role) == "agent",
    )
    return [("text", source, name_text(talk, position)) for source, talk, position in session.execute(query)]


class TextFacts(NamedTuple):
    """What rows tell of a reply that people wrote in an imported conversation, as a record's row does."""

    at: datetime
    created_at: datetime  # when it came in
    erased_at: datetime | None
    origin_kind: str = IMPORT
    rejection: str | None = None


def find_text_facts(
    session: Session, *, desk_id: str, ids: Collection[str]
) -> dict[tuple[str, str], TextFacts]:
    """The imported messages with one of these names (`conversation/position`), by source and name."""
    name = col(Conversation.external_id) + "/" + cast(col(Message.position), String)
    talks = {id.rpartition("/")[0] for id in ids}
    told = [*columns_of(Message, "occurred_at created_at"), col(Conversation.erased_at)]
    query = select(col(Conversation.source), name, *told).join(
        Message, col(Message.conversation_id) == col(Conversation.id)
    )
    here = col(Conversation.desk_id) == desk_id, col(Conversation.external_id).in_(talks), name.in_(ids)
    return {(source, id): TextFacts(*rest) for source, id, *rest in session.execute(query.where(*here))}


def _bytewise(store_engine: Engine, column: Any) -> ColumnElement[str]:
    """The column in the order of its bytes: SQLite's own, and on PostgreSQL free of the locale."""
    ordered: ColumnElement[str] = column
    return collate(ordered, "C") if store_engine.dialect.name == "postgresql" else ordered
