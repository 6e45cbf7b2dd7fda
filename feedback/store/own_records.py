"""Reads records of judgements and thumbs with the texts that they were derived from, in pages, for datasets.

Each page is read in one transaction. The texts of a rejected record are not read.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select, tuple_
from sqlmodel import Session, col

from feedback.records.derived import JUDGEMENT, THUMB
from feedback.records.from_thumb import ThumbedReply
from feedback.store.choices import PAGE, JudgedSet, Key, iterate_pages, read_judged, read_thumbed
from feedback.store.tables import Judgement, Record

PLACE = (col(Record.created_at), col(Record.origin_id))


def iterate_choices(
    store_engine: Engine, *, desk_id: str, since: datetime | None, until: datetime
) -> Iterator[tuple[Any, JudgedSet | None]]:
    """The records of judgements, oldest first, each with its judgement and set unless it was rejected."""
    query = select(
        *PLACE, col(Record.rejection), col(Record.settled), col(Record.cards), col(Record.tags)
    ).where(
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == JUDGEMENT,
        col(Record.created_at) <= until,
    )
    if since is not None:
        query = query.where(col(Record.created_at) >= since)

    def fetch(session: Session, after: Key | None) -> list[tuple[Any, JudgedSet | None]]:
        page = query if after is None else query.where(tuple_(*PLACE) > after)
        records = session.execute(page.order_by(*PLACE).limit(PAGE)).all()
        ids = [row.origin_id for row in records if row.rejection is None]
        found = read_judged(session, which=col(Judgement.id).in_(ids), with_tokens=True)
        texts = {judged.id: (judged, shown) for judged, shown in found}
        return [(row, texts.get(row.origin_id)) for row in records]

    return iterate_pages(store_engine, fetch, lambda item: (item[0].created_at, item[0].origin_id))


def iterate_thumbs(
    store_engine: Engine, *, desk_id: str, until: datetime
) -> Iterator[tuple[Any, ThumbedReply | None]]:
    """The record of the last thumb of each message, by message, each with its reply unless it was
    rejected.
    """
    query = select(
        col(Record.origin_id), col(Record.created_at), col(Record.rejection), col(Record.tags)
    ).where(col(Record.desk_id) == desk_id, col(Record.origin_kind) == THUMB, col(Record.created_at) <= until)

    def fetch(session: Session, after: Key | None) -> list[tuple[Any, ThumbedReply | None]]:
        page = query.where(col(Record.origin_id) > (after[0] if after else ""))
        records = session.execute(page.order_by(col(Record.origin_id)).limit(PAGE)).all()
        ids = [row.origin_id for row in records if row.rejection is None]
        texts = {reply.message_id: reply for reply in read_thumbed(session, message_ids=ids)}
        return [(row, texts.get(row.origin_id)) for row in records]

    return iterate_pages(store_engine, fetch, lambda item: (item[0].origin_id,))
