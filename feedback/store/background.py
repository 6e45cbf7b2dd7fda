"""What stands behind a conversation: earlier ones of the same customer. Reads only."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, select

from feedback.store.tables import Conversation, Message


class Earlier(NamedTuple):
    """A conversation in a list: when it began, and how."""

    id: str
    created_at: datetime
    language: str | None
    text: str | None  # the customer's first message; None where they wrote none


def list_earlier(session: Session, *, conversation: Conversation, limit: int) -> Sequence[Earlier]:
    """Those that the same customer began before this one, newest first. An app's customers have an id;
    without one nobody knows who is the same.
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
