"""Reads records of judgements, thumbs and settled items with the texts that they were derived from, in pages,
for datasets.

Each page is read in one transaction. The texts of a rejected record are not read.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlmodel import Session, col

from feedback.records.derived import JUDGEMENT, THUMB
from feedback.records.from_judgement import LABEL
from feedback.records.from_label import LabelledItem
from feedback.records.from_thumb import ThumbedReply
from feedback.store.choices import JudgedSet, iterate_query, read_judged, read_thumbed
from feedback.store.engine import batched, columns_of, read, within
from feedback.store.labelled_items import RECORD, read_labelled
from feedback.store.tables import Item, Judgement, Record


def iterate_choices(
    store_engine: Engine, *, desk_id: str, since: datetime | None, until: datetime
) -> Iterator[tuple[Any, JudgedSet | None]]:
    """The records of judgements, oldest first, each with its judgement and set unless it was rejected."""
    place, told = (
        columns_of(Record, "created_at origin_id"),
        columns_of(Record, "rejection settled cards tags language"),
    )
    query = select(*place, *told).where(col(Record.desk_id) == desk_id, col(Record.origin_kind) == JUDGEMENT)

    def complete(session: Session, records: Sequence[Any]) -> list[tuple[Any, JudgedSet | None]]:
        ids = [row.origin_id for row in records if row.rejection is None]
        found = read_judged(session, which=col(Judgement.id).in_(ids), with_tokens=True)
        texts = {judged.id: (judged, shown) for judged, shown in found}
        return [(row, texts.get(row.origin_id)) for row in records]

    query = query.where(*within(col(Record.created_at), since, until))
    return iterate_query(store_engine, query, place=place, complete=complete)


def iterate_thumbs(
    store_engine: Engine, *, desk_id: str, until: datetime
) -> Iterator[tuple[Any, ThumbedReply | None]]:
    """The record of each message's last thumb, by message, with its reply unless it was rejected."""
    told = columns_of(Record, "origin_id created_at rejection tags language")
    query = select(*told).where(col(Record.desk_id) == desk_id, col(Record.origin_kind) == THUMB)

    def complete(session: Session, records: Sequence[Any]) -> list[tuple[Any, ThumbedReply | None]]:
        ids = [row.origin_id for row in records if row.rejection is None]
        texts = {reply.message_id: reply for reply in read_thumbed(session, message_ids=ids)}
        return [(row, texts.get(row.origin_id)) for row in records]

    query = query.where(col(Record.created_at) <= until)
    return iterate_query(store_engine, query, place=told[:1], complete=complete)


def iterate_labels(
    store_engine: Engine, *, desk_id: str, kind: str, since: datetime | None, until: datetime
) -> Iterator[tuple[Any, LabelledItem | None]]:
    """The records of this form that settled items came to, oldest first, each with its item unless it was
    rejected.
    """
    place, told = (
        columns_of(Record, "created_at origin_id"),
        columns_of(Record, "rejection settled tags language"),
    )
    query = select(*place, *told).where(
        col(Record.desk_id) == desk_id, col(Record.origin_kind) == LABEL, col(Record.kind) == kind
    )

    def complete(session: Session, records: Sequence[Any]) -> list[tuple[Any, LabelledItem | None]]:
        ids = [row.origin_id for row in records if row.rejection is None]
        texts = {item.id: item for item in read_labelled(session, item_ids=ids)}
        return [(row, texts.get(row.origin_id)) for row in records]

    query = query.where(*within(col(Record.created_at), since, until))
    return iterate_query(store_engine, query, place=place, complete=complete)


def list_labelled_conversations(store_engine: Engine, *, desk_id: str) -> set[str]:
    """The conversations of which something is said by labels that a dataset takes."""
    query = select(col(Record.conversation)).where(
        col(Record.desk_id) == desk_id, col(Record.origin_kind) == LABEL, col(Record.rejection).is_(None)
    )
    with read(store_engine) as session:
        return set(session.scalars(query))


def read_shown_sources(store_engine: Engine, *, desk_id: str) -> dict[str, str]:
    """By item, the source of the imported record that it shows, of items that came to a record themselves."""
    query = (
        select(*columns_of(Item, "id subject_id"))
        .join(Record, col(Record.origin_id) == col(Item.id))
        .where(col(Record.desk_id) == desk_id, col(Record.origin_kind) == LABEL)
        .where(col(Item.subject_kind) == RECORD)
    )
    sources: dict[str, str] = {}
    with read(store_engine) as session:
        shown = {item_id: subject_id for item_id, subject_id in session.execute(query)}
        for ids in batched(sorted({int(each) for each in shown.values()})):
            rows = session.execute(select(*columns_of(Record, "id source")).where(col(Record.id).in_(ids)))
            sources |= {str(id): source for id, source in rows}
    return {item_id: sources[subject_id] for item_id, subject_id in shown.items() if subject_id in sources}
