"""Reads what came after the replies of one arm, the newest of them. Reads only."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from feedback.store.tables import Candidate, Conversation, Judgement, Message, Turn
from feedback.store.tags import match_tag

LOOKED_THROUGH = 10_000  # of the desk's newest judgements: those of a rare arm are sought among so many


class Followed(NamedTuple):
    """A reply that a customer has got, with the message it answers and the one that came next, if any."""

    question: str | None
    released_at: datetime
    role: str | None
    after: str | None
    after_at: datetime | None


def list_followed(
    session: Session,
    *,
    desk_id: str,
    arm: str,
    adapter: str | None,
    since: datetime,
    tag: str | None = None,
    limit: int,
) -> list[Followed]:
    """What came after the newest replies that were sent as this arm wrote them, newest first. A reply that is
    held back is left out: taking it back would open its set again, whose arms are secret.

    Judgements lead to the replies, since their index is by time, and of a long history only the newest do.
    """
    reply, asked, after, later = (aliased(Message) for _ in range(4))
    next_no = (
        select(func.min(col(later.release_no)))
        .where(later.conversation_id == reply.conversation_id, col(later.release_no) > reply.release_no)
        .correlate(reply)
        .scalar_subquery()
    )
    is_next = and_(col(after.conversation_id) == reply.conversation_id, col(after.release_no) == next_no)
    columns: Any = (asked.text, reply.released_at, after.role, after.text, after.created_at)
    query = (
        select(*columns)
        .select_from(Judgement)
        .join(reply, col(reply.id) == Judgement.message_id)
        .join(Candidate, col(Candidate.id) == reply.candidate_id)
        .join(Turn, col(Turn.id) == reply.turn_id)
        .join(asked, col(asked.id) == Turn.message_id)
        .join(Conversation, col(Conversation.id) == reply.conversation_id)
        .outerjoin(after, is_next)
        .where(Judgement.desk_id == desk_id, Judgement.created_at >= bound_since(session, desk_id, since))
        .where(reply.origin == "verbatim", col(reply.released_at).is_not(None), col(reply.text).is_not(None))
        .where(Candidate.arm == arm, *([] if adapter is None else [Candidate.adapter == adapter]))
        .where(*match_tag(session, desk_id, tag, Conversation.tags))
        .order_by(col(Judgement.created_at).desc(), col(Judgement.id).desc())
        .limit(limit)
    )
    return [Followed(*row) for row in session.execute(query)]


def bound_since(session: Session, desk_id: str, since: datetime) -> datetime:
    """The time from which on there are at most `LOOKED_THROUGH` judgements, if that is later."""
    newest = select(Judgement.created_at).where(Judgement.desk_id == desk_id, Judgement.created_at >= since)
    newest = newest.order_by(col(Judgement.created_at).desc()).offset(LOOKED_THROUGH - 1).limit(1)
    return session.exec(newest).first() or since
