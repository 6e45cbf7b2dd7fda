"""The steps of a conversation, each with its neighbours: messages, sets, judgements.

Where a set comes from is told for judged sets alone: before that it would say which adapter has a part in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from feedback.store.engine import leave_out, of_desk
from feedback.store.judgement_reasons import reasons_that_count
from feedback.store.live_judgements import is_judgement
from feedback.store.sets import LARGE
from feedback.store.tables import (
    Candidate,
    Conversation,
    Deployment,
    Judgement,
    Message,
    SuggestionSet,
    Thumb,
    Turn,
)

JUDGED = "judged"


@dataclass(frozen=True)
class MessageFound:
    message: Message
    language: str | None
    tags: list[str]
    source: str
    set_id: str | None  # drawn for the turn that this message opened
    judgement_id: str | None  # that sent it
    thumb_ids: list[str]


def find_message(session: Session, *, desk_id: str, message_id: str) -> MessageFound | None:
    query = (
        select(Message, Conversation)
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .where(Message.desk_id == desk_id, Message.id == message_id)
    )
    row = session.exec(query).one_or_none()
    if row is None:
        return None
    message, conversation = row
    of_turn = (
        select(SuggestionSet.id)
        .join(Turn, col(Turn.id) == col(SuggestionSet.turn_id))
        .where(Turn.message_id == message_id)
    )
    # By the turn first, which is indexed.
    sent = select(Judgement.id).where(
        Judgement.turn_id == message.turn_id, Judgement.message_id == message_id, is_judgement()
    )
    thumbs = select(Thumb.id).where(Thumb.message_id == message_id)
    return MessageFound(
        message=message,
        language=conversation.language,
        tags=conversation.tags,
        source=conversation.source,
        set_id=session.exec(of_turn).one_or_none(),
        judgement_id=session.exec(sent).first() if message.turn_id else None,
        thumb_ids=list(session.exec(thumbs.order_by(col(Thumb.created_at), col(Thumb.id)))),
    )


@dataclass(frozen=True)
class SetFound:
    row: SuggestionSet
    message_id: str
    candidates: Sequence[Candidate]
    judgement_ids: list[str]
    fences: list[int]  # of the deployments it was drawn under; none unless judged

    @property
    def is_judged(self) -> bool:
        return self.row.state == JUDGED


def find_set_drawn(session: Session, *, desk_id: str, set_id: str) -> SetFound | None:
    query = of_desk(SuggestionSet, desk_id).where(SuggestionSet.id == set_id)
    row = session.exec(query.options(*leave_out(LARGE))).one_or_none()
    if row is None:
        return None
    turn = session.get_one(Turn, row.turn_id)
    candidates = of_desk(Candidate, desk_id).where(Candidate.set_id == set_id).order_by(col(Candidate.slot))
    offered = session.exec(candidates.options(*leave_out([Candidate.token_ids, Candidate.text]))).all()
    judged = select(Judgement.id).where(Judgement.set_id == set_id, is_judgement())
    drawn_by = {row.adapter, *(each.adapter for each in offered)} - {None} if row.state == JUDGED else set()
    # The last that named its adapter when it was drawn. A set planned just before the end of an interval is
    # written just after it and still belongs there.
    drawn = select(func.max(Deployment.fence)).where(
        Deployment.desk_id == desk_id,
        col(Deployment.adapter).in_(drawn_by),
        Deployment.at <= row.created_at,
    )
    fences = session.exec(drawn.group_by(col(Deployment.adapter))).all()
    return SetFound(
        row=row,
        message_id=turn.message_id,
        candidates=offered,
        judgement_ids=list(session.exec(judged.order_by(col(Judgement.created_at), col(Judgement.id)))),
        fences=sorted(fence for fence in fences if fence is not None),
    )


def find_judgement(
    session: Session, *, desk_id: str, judgement_id: str
) -> tuple[Judgement, list[str], str | None] | None:
    """A judgement, or the undo of one; the reasons that count; the id of the row that took it back."""
    row = session.exec(of_desk(Judgement, desk_id).where(Judgement.id == judgement_id)).one_or_none()
    if row is None:
        return None
    reasons = session.exec(select(reasons_that_count()).where(Judgement.id == judgement_id)).one()
    undone_by = session.exec(select(Judgement.id).where(Judgement.undoes == judgement_id)).one_or_none()
    return row, reasons, undone_by


def list_slots(session: Session, *, candidate_ids: Sequence[str]) -> list[int]:
    """Where on the screen these cards stood."""
    query = select(Candidate.slot).where(col(Candidate.id).in_(candidate_ids)).order_by(col(Candidate.slot))
    return list(session.exec(query))
