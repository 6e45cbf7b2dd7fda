"""Replies that are held back for their undo window, and the moment when their customer gets to see them.

A release is written once and never taken back: `released_at` says when, `release_no` in which order. Who
may see a message asks for that, not for the time.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from feedback.store.changes import conversation_topic, note_change
from feedback.store.tables import Conversation, Message, TwoAnswers
from feedback.store.two_answers import HELD, offer_both

MOST = 1_000


def list_held(session: Session) -> Sequence[str]:
    """Ids of replies that are held, the oldest first, without those whose customer has two to choose from."""
    chosen = select(col(TwoAnswers.id)).where(
        col(TwoAnswers.message_id) == col(Message.id), col(TwoAnswers.shown_at).is_not(None)
    )
    query = (
        select(Message.id)
        .where(*HELD, ~chosen.correlate(Message).exists())
        .order_by(col(Message.created_at), col(Message.id))
    )
    return session.exec(query.limit(MOST)).all()


def release_messages(session: Session, *, message_ids: Sequence[str], now: datetime) -> None:
    """Releases those messages that are still held. Listeners hear of it after the commit.

    Of two answers the customer is shown both, and the message stays held.
    """
    query = select(Message.id, Message.conversation_id).where(col(Message.id).in_(message_ids), *HELD)
    # Conversations are locked in one order, so that two processes do not wait for each other.
    found = session.exec(query.order_by(col(Message.conversation_id), col(Message.position))).all()
    for message_id, conversation_id in found:
        lock = select(Conversation.id).where(Conversation.id == conversation_id)
        session.exec(lock.with_for_update(key_share=True)).one()
        if offer_both(session, message_id=message_id, now=now):
            continue
        number = next_release_no(session, conversation_id=conversation_id)
        session.connection().execute(
            update(Message)
            .where(col(Message.id) == message_id, *HELD)
            .values(released_at=now, release_no=number)
        )
        note_change(session, conversation_topic(conversation_id))


def next_release_no(session: Session, *, conversation_id: str) -> int:
    """The number of the next release in a locked conversation."""
    last = session.exec(
        select(func.max(col(Message.release_no))).where(Message.conversation_id == conversation_id)
    ).one()
    return 0 if last is None else last + 1
