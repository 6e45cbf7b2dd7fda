"""Thumbs of end users on released replies: the last one of a message counts, all are kept."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from feedback.errors import ApiError, NotFound
from feedback.store.engine import get_row
from feedback.store.tables import Message, Thumb


class NotAReply(ApiError):
    def __init__(self, message_id: str) -> None:
        super().__init__(
            422,
            "not_a_reply",
            f"Message {message_id} is the customer's own.",
            "Thumbs go on the desk's replies.",
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
) -> Thumb:
    """A thumb on a reply that the customer can see; with `conversation_id`, on one of that conversation
    alone.
    """
    message = get_row(session, Message, message_id, desk_id=desk_id, what="message")
    elsewhere = conversation_id is not None and message.conversation_id != conversation_id
    gone = message.retracted_at is not None or message.text is None  # taken back, or erased
    if elsewhere or gone or message.release_no is None:
        raise NotFound("message", message_id)
    if message.role != "agent":
        raise NotAReply(message_id)
    thumb = Thumb(
        desk_id=desk_id,
        message_id=message_id,
        value=value,
        reasons=list(reasons),
        comment=comment,
        actor=actor,
        occurred_at=occurred_at or now,
        created_at=now,
    )
    session.add(thumb)
    session.flush()
    return thumb
