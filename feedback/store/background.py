"""Reads the background of a conversation: earlier conversations of the same customer. Reads only."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, select

from feedback.store.tables import Conversation, Message


class Earlier(NamedTuple):
    """An earlier conversation in a list: when it began, and the customer's first message."""

    id: str
    created_at: datetime
    language: str | None
    text: str | None  # the customer's first message; None where they wrote none


def list_earlier(session: Session, *, conversation: Conversation, limit: int) -> Sequence[Earlier]:
    """The conversations that the same customer began before this one, newest first. A customer is known only
    by the id that an app gives; without an id the list is empty.
    """
    if conversation.customer_id is None:
        return []
    first = (
        select(Message.text)
        .where(
            Message.conversation_id == Conversation.id,
            Message.role == "customer",
            col(Message.text).is_not(None),
        )
        .order_by(col(Message.position))
        .limit(1)
        .correlate(Conversation)
        .scalar_subquery()
    )
    query = (
        select(Conversation.id, Conversation.created_at, Conversation.language, first)
        .where(
            Conversation.desk_id == conversation.desk_id,
            Conversation.customer_id == conversation.customer_id,
            Conversation.id != conversation.id,
            Conversation.created_at <= conversation.created_at,
            col(Conversation.erased_at).is_(None),
        )
        .order_by(col(Conversation.created_at).desc(), col(Conversation.id))
        .limit(limit)
    )
    return [Earlier(*row) for row in session.exec(query)]
