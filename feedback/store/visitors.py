"""Counts what one visitor has done already, for the limits in feedback/api/caps.py."""

from sqlmodel import Session, col, func, select

from feedback.store.tables import Conversation, Message, Thumb, Turn


def count_waiting(session: Session, *, desk_id: str, stranger_hash: str) -> int:
    """The number of conversations that this stranger opened and that wait for an answer."""
    query = (
        select(func.count(col(Turn.id)))
        .join(Conversation, col(Conversation.id) == Turn.conversation_id)
        .where(Conversation.desk_id == desk_id, Conversation.stranger_hash == stranger_hash)
        .where(Turn.state == "waiting")
    )
    return session.exec(query).one()


def count_messages(session: Session, *, desk_id: str, conversation_id: str) -> int:
    """The number of the customer's messages in this conversation."""
    query = select(func.count(col(Message.id))).where(
        Message.desk_id == desk_id, Message.conversation_id == conversation_id, Message.role == "customer"
    )
    return session.exec(query).one()


def count_visitor_thumbs(session: Session, *, desk_id: str, conversation_id: str) -> int:
    """The number of thumbs on replies of this conversation."""
    query = (
        select(func.count(col(Thumb.id)))
        .join(Message, col(Message.id) == Thumb.message_id)
        .where(Message.desk_id == desk_id, Message.conversation_id == conversation_id)
    )
    return session.exec(query).one()
