"""Thumbs of end users on released replies: the last one on a message counts, all are kept.

The last one has the latest time; no two thumbs on a message have equal times.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from feedback.errors import ApiError, Conflict, NotFound
from feedback.store.derived_records import write_thumb_record
from feedback.store.engine import get_row, of_desk, save_row
from feedback.store.tables import Conversation, Message, Thumb

NEXT = timedelta(microseconds=1)  # the smallest step of time that both databases keep


class NotAReply(ApiError):
    def __init__(self, message_id: str) -> None:
        super().__init__(
            422,
            "not_a_reply",
            f"Message {message_id} is the customer's own.",
            "Thumbs go on the desk's replies.",
        )


class ThumbOutdated(Conflict):
    def __init__(self, message_id: str) -> None:
        super().__init__(
            "thumb_outdated",
            f"A later thumb on message {message_id} has come already.",
            "That one counts; read it with the message, and press again to change it.",
        )


def add_thumb(
    session: Session,
    *,
    desk_id: str,
    message_id: str,
    value: int,
    actor: str,
    now: datetime,
    conversation_id: str | None = None,
    reasons: Sequence[str] = (),
    comment: str | None = None,
    occurred_at: datetime | None = None,
    number: int | None = None,
) -> Thumb:
    """Adds a thumb on a reply that the customer can see; with `conversation_id`, only on a reply of that
    conversation. A thumb with a number is refused if its actor has a higher number on that message
    already.
    """
    message = get_row(session, Message, message_id, desk_id=desk_id, what="message", lock=True)
    elsewhere = conversation_id is not None and message.conversation_id != conversation_id
    gone = message.retracted_at is not None or message.text is None  # taken back, or erased
    if elsewhere or gone or message.release_no is None:
        raise NotFound("message", message_id)
    if message.role != "agent":
        raise NotAReply(message_id)
    if number is not None:
        check_number(session, message_id=message_id, actor=actor, number=number)
    last = session.exec(select(func.max(Thumb.created_at)).where(Thumb.message_id == message_id)).one()
    thumb = Thumb(
        desk_id=desk_id,
        message_id=message_id,
        value=value,
        reasons=list(reasons),
        comment=comment,
        number=number,
        actor=actor,
        occurred_at=occurred_at or now,
        created_at=now if last is None else max(now, last + NEXT),
    )
    save_row(session, thumb)
    write_thumb_record(session, desk_id=desk_id, message_id=message_id)
    return thumb


def check_number(session: Session, *, message_id: str, actor: str, number: int) -> None:
    """Refuses a thumb on a locked message if its actor's later press is stored already."""
    highest = select(func.max(col(Thumb.number))).where(Thumb.message_id == message_id, Thumb.actor == actor)
    known = session.exec(highest).one()
    if known is not None and number <= known:
        raise ThumbOutdated(message_id)


def find_last_thumbs(
    session: Session, *, desk_id: str, message_ids: Sequence[str], actor: str
) -> dict[str, Thumb]:
    """The last thumb of this actor on each of these messages, by message."""
    query = of_desk(Thumb, desk_id).where(col(Thumb.message_id).in_(message_ids), Thumb.actor == actor)
    return {thumb.message_id: thumb for thumb in session.exec(query.order_by(col(Thumb.created_at)))}


def is_last() -> ColumnElement[bool]:
    """The query condition that no later thumb is on the same message."""
    later = aliased(Thumb)
    is_later = or_(
        col(later.created_at) > col(Thumb.created_at),
        and_(col(later.created_at) == col(Thumb.created_at), col(later.id) > col(Thumb.id)),
    )
    return ~select(col(later.id)).where(col(later.message_id) == col(Thumb.message_id), is_later).exists()


class Heard(NamedTuple):
    """A thumb on a reply, and the conversation it belongs to."""

    thumb: Thumb
    conversation_id: str
    customer_id: str | None


def list_heard(
    session: Session,
    *,
    desk_id: str,
    agent: str,
    since: datetime,
    conversation_id: str | None = None,
    limit: int = 100,
) -> list[Heard]:
    """The last thumbs on replies that this agent sent, newest first."""
    query = (
        select(Thumb, col(Message.conversation_id), col(Conversation.customer_id))
        .join(Message, col(Message.id) == col(Thumb.message_id))
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .where(col(Thumb.desk_id) == desk_id, col(Thumb.created_at) >= since, col(Thumb.value) != 0)
        .where(is_last(), col(Message.agent) == agent, col(Message.text).is_not(None))
        .order_by(col(Thumb.created_at).desc(), col(Thumb.id).desc())
        .limit(limit)
    )
    if conversation_id is not None:
        query = query.where(col(Message.conversation_id) == conversation_id)
    return [Heard(*row) for row in session.execute(query)]
