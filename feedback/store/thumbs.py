"""Thumbs of end users on released replies: the last one of a message counts, all are kept.

The last one is that of the highest time, and no two of a message have the same.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from feedback.errors import ApiError, Conflict, NotFound
from feedback.store.engine import get_row, of_desk
from feedback.store.tables import Message, Thumb

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
    """A thumb on a reply that the customer can see; with `conversation_id`, on one of that conversation
    alone. One with a number comes after those with lower numbers of the same actor, or not at all.
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
    session.add(thumb)
    session.flush()
    return thumb


def check_number(session: Session, *, message_id: str, actor: str, number: int) -> None:
    """Of a locked message: a press that was repeated for a while never overtakes a later one."""
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
