"""Counts texts that people wrote, and what came in since a time for whichever objective learns from it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from feedback.records.from_conversation import PERSON
from feedback.store.learnable import count_written
from feedback.store.new_records import Counted, count_new_choices, count_new_thumbs
from feedback.store.tables import Conversation, Message


def count_new_records(
    session: Session, what: Counted, *, desk_id: str, since: datetime | None, at_most: int | None = None
) -> int:
    """How many choices, thumbs or texts came in since a time: an upper bound, since a dataset may refuse
    some. Of choices, up to about `at_most`.
    """
    if what == "choices":
        return count_new_choices(session, desk_id=desk_id, since=since, at_most=at_most)
    count = count_new_thumbs if what == "thumbs" else count_written_texts
    return count(session, desk_id=desk_id, since=since)


def count_written_texts(
    session: Session, *, desk_id: str, since: datetime | None = None, but: Collection[str] = ()
) -> int:
    """Edits, own replies, rewrites, and replies of people in imported conversations; `but` are sources to
    leave out.
    """
    before = aliased(Message)
    is_before = (before.conversation_id == Message.conversation_id, before.position == Message.position - 1)
    replies = (
        select(func.count(col(Message.id)))
        .join(before, is_before[0] & is_before[1])  # type: ignore[arg-type]
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .where(Message.desk_id == desk_id, Message.origin == PERSON, col(Message.text).is_not(None))
        .where(before.role == "customer", col(Conversation.source).not_in(but))
    )
    if since is not None:
        replies = replies.where(Message.created_at > since)
    return count_written(session, desk_id=desk_id, but=but, since=since) + session.exec(replies).one()
