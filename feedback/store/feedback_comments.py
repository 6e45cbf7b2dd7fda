"""Comments that people wrote beside their thumbs and judgements: reasons and comments. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlmodel import Session, col, func

from feedback.store.judgement_reasons import reasons_that_count
from feedback.store.live_judgements import is_live
from feedback.store.tables import Conversation, Judgement, Message, SuggestionSet, Thumb, User
from feedback.store.thumbs import is_last


@dataclass(frozen=True)
class FeedbackComment:
    """A comment. `on` is `up`, `down` or the kind of a judgement; `agent` is None for a customer."""

    id: str
    at: datetime
    on: str
    reasons: list[str]
    comment: str | None
    agent: str | None
    language: str | None
    text: str | None  # the reply that a thumb is on, or that an agent wrote


def list_feedback_comments(session: Session, *, desk_id: str, limit: int) -> list[FeedbackComment]:
    """The latest comments, newest first, on last thumbs and on judgements that stand."""
    found = [*_read_thumbs(session, desk_id, limit), *_read_judgements(session, desk_id, limit)]
    return sorted(found, key=lambda comment: (comment.at, comment.id), reverse=True)[:limit]


def _read_thumbs(session: Session, desk_id: str, limit: int) -> list[FeedbackComment]:
    said = func.coalesce(func.trim(col(Thumb.comment)), "") != ""
    query = (
        select(Thumb, col(Message.text), col(Conversation.language))
        .join(Message, col(Message.id) == col(Thumb.message_id))
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .where(col(Thumb.desk_id) == desk_id, col(Thumb.value) != 0, is_last())
        .where(or_(said, func.json_array_length(col(Thumb.reasons)) > 0))
        .order_by(col(Thumb.created_at).desc(), col(Thumb.id).desc())
        .limit(limit)
    )
    return [
        FeedbackComment(
            id=row.id,
            at=row.created_at,
            on="up" if row.value > 0 else "down",
            reasons=row.reasons,
            comment=row.comment,
            agent=None,
            language=language,
            text=text,
        )
        for row, text, language in session.execute(query)
    ]


def _read_judgements(session: Session, desk_id: str, limit: int) -> list[FeedbackComment]:
    reasons = reasons_that_count()
    query = (
        select(Judgement, reasons, col(User.name), col(Conversation.language))
        .join(SuggestionSet, col(SuggestionSet.id) == col(Judgement.set_id))
        .join(Conversation, col(Conversation.id) == col(SuggestionSet.conversation_id))
        .outerjoin(User, col(User.id) == col(Judgement.agent))
        .where(col(Judgement.desk_id) == desk_id, is_live())
        .where(func.json_array_length(reasons) > 0)
        .order_by(col(Judgement.created_at).desc(), col(Judgement.id).desc())
        .limit(limit)
    )
    return [
        FeedbackComment(
            id=row.id,
            at=row.created_at,
            on=row.kind,
            reasons=said,
            comment=None,
            agent=name or row.agent,
            language=language,
            text=row.text,
        )
        for row, said, name, language in session.execute(query)
    ]
