"""Takes a reply back before its customer sees it, and lets the turn wait again.

A turn waits again, with the set that it had, if no reply follows the customer's last message. A reply that
was released stays. `judgements.py` writes that a judgement is withdrawn.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlmodel import Session, col, select

from feedback.errors import ApiError, Conflict, NotFound
from feedback.store.changes import conversation_topic, note_change, turn_topic
from feedback.store.conversations import lock_conversation
from feedback.store.engine import get_row, of_desk
from feedback.store.judgement_locks import change
from feedback.store.tables import Judgement, Message, SuggestionSet, Turn
from feedback.store.two_answers import is_offered


class NotYours(ApiError):
    def __init__(self, what: str, id: str) -> None:
        super().__init__(
            403,
            "not_permitted",
            f"{what.capitalize()} {id} is another agent's.",
            "Ask them, or an admin, to undo it.",
        )


class AlreadyUndone(Conflict):
    def __init__(self, what: str, id: str) -> None:
        super().__init__(
            "already_undone", f"{what.capitalize()} {id} was taken back already.", "Nothing is left to do."
        )


class MessageJudged(Conflict):
    def __init__(self, message_id: str, judgement_id: str) -> None:
        super().__init__(
            "message_judged",
            f"Message {message_id} was sent by judgement {judgement_id}.",
            "Undo the judgement: its message goes with it.",
        )


@dataclass(frozen=True)
class Retracted:
    message: Literal["retracted", "sent"]  # sent: the customer has it, and it stays
    reopened: str | None = None  # the turn that waits again


def retract_by_hand(
    session: Session, *, desk_id: str, message_id: str, agent: str | None, now: datetime
) -> Retracted:
    """Takes back a reply that no judgement sent. With `agent` None it may be anybody's reply."""
    found = get_row(session, Message, message_id, desk_id=desk_id, what="message")
    lock_conversation(session, desk_id=desk_id, conversation_id=found.conversation_id)
    message = get_row(session, Message, message_id, desk_id=desk_id, what="message", lock=True)
    if message.role != "agent":
        raise NotFound("message", message_id)  # a customer's message cannot be taken back
    if agent is not None and message.agent != agent:
        raise NotYours("message", message_id)
    judged = of_desk(Judgement, desk_id).where(
        Judgement.turn_id == message.turn_id, Judgement.message_id == message_id
    )
    if (judgement := session.exec(judged.limit(1)).first()) is not None:
        raise MessageJudged(message_id, judgement.undoes or judgement.id)
    if message.retracted_at is not None:
        raise AlreadyUndone("message", message_id)
    return retract_message(session, message=message, now=now)


def retract_message(session: Session, *, message: Message, now: datetime) -> Retracted:
    """Takes back a reply of a locked conversation, unless the customer has seen it: released, or as one of
    two answers that they have not picked from yet.
    """
    if message.release_no is not None or is_offered(session, message_id=message.id):
        return Retracted("sent")
    change(session.connection(), Message, message.id, retracted_at=now)
    note_change(session, conversation_topic(message.conversation_id))
    in_force = select(Message).where(
        Message.conversation_id == message.conversation_id, col(Message.retracted_at).is_(None)
    )
    last = session.exec(in_force.order_by(col(Message.position).desc()).limit(1)).one()
    reopened = _reopen(session, last, message.agent, now=now) if last.role == "customer" else None
    later = in_force.where(Message.role == "customer", Message.position > message.position)
    if message.turn_id is not None and session.exec(later.limit(1)).first() is not None:
        _change_turn(session, message.turn_id, state="superseded", answered_at=None)
        of_turn = select(SuggestionSet.id).where(SuggestionSet.turn_id == message.turn_id)
        for set_id in session.exec(of_turn):
            change(session.connection(), SuggestionSet, set_id, state="superseded", judged_at=None)
    return Retracted("retracted", reopened)


def _reopen(session: Session, asked: Message, agent: str | None, *, now: datetime) -> str | None:
    """Lets the answered turn of this message wait again, claimed by who took the answer back."""
    waits_for = select(Turn).where(Turn.message_id == asked.id, Turn.state == "answered")
    turn = session.exec(waits_for.with_for_update(key_share=True)).one_or_none()
    if turn is None:
        return None
    of_turn = select(SuggestionSet).where(SuggestionSet.turn_id == turn.id)
    attempt, held_by = turn.attempt + 1, agent or turn.claimed_by
    _change_turn(
        session,
        turn.id,
        state="waiting",
        answered_at=None,
        attempt=attempt,
        claimed_by=held_by,
        claimed_at=now,
    )
    for row in session.exec(of_turn.with_for_update(key_share=True)):
        state = "failed" if row.error else "ready" if row.prepared_at else "preparing"
        change(session.connection(), SuggestionSet, row.id, state=state, judged_at=None, attempt=attempt)
    return turn.id


def _change_turn(session: Session, turn_id: str, **values: object) -> None:
    change(session.connection(), Turn, turn_id, **values)
    note_change(session, turn_topic(turn_id))
