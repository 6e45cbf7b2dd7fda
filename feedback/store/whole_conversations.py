"""Whole conversations with their messages, in pages, for an export. Session first, no commit.

Held-back, retracted and erased messages are not in them.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Engine, select
from sqlmodel import Session, col

from feedback.store.choices import iterate_query
from feedback.store.engine import columns_of
from feedback.store.tables import Conversation, Message

PLACE = columns_of(Conversation, "created_at id")
TOLD = columns_of(Conversation, "source external_id customer_id customer_details language tags erased_at")
SAID = columns_of(Message, "conversation_id role origin text occurred_at position")


def iterate_whole(
    store_engine: Engine, *, desk_id: str, sources: Collection[str], until: datetime
) -> Iterator[tuple[Any, list[Any]]]:
    """Conversations of these sources, or of all if none is given, oldest first, each with its messages in the
    order in which they were released.
    """
    query = select(*PLACE, *TOLD).where(
        col(Conversation.desk_id) == desk_id, col(Conversation.created_at) <= until
    )
    if sources:
        query = query.where(col(Conversation.source).in_(sources))
    return iterate_query(store_engine, query, place=PLACE, complete=add_messages)


def add_messages(session: Session, rows: Sequence[Any]) -> list[tuple[Any, list[Any]]]:
    said = _read_released(session, [row.id for row in rows])
    messages = {id: list(group) for id, group in groupby(said, key=lambda row: row.conversation_id)}
    return [(row, messages.get(row.id, [])) for row in rows]


def read_released(session: Session, *, conversation_id: str) -> Sequence[Any]:
    return _read_released(session, [conversation_id])


def _read_released(session: Session, ids: Sequence[str]) -> Sequence[Any]:
    query = (
        select(*SAID)
        .where(
            col(Message.conversation_id).in_(ids),
            col(Message.release_no).is_not(None),
            col(Message.retracted_at).is_(None),
            col(Message.text).is_not(None),
        )
        .order_by(col(Message.conversation_id), col(Message.release_no))
    )
    return session.execute(query).all()
