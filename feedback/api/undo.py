"""Calls that undo what an agent sent: a judgement with its message, or a message written by hand."""

from typing import Literal

from flask import Blueprint
from pydantic import Field

from feedback.api.routes import Write, write
from feedback.api.schemas import Answer, Body, Name, Plain
from feedback.store.judgements import undo_judgement
from feedback.store.retractions import retract_by_hand
from feedback.web.services import services

bp = Blueprint("undo", __name__)


class NewUndo(Body):
    agent: Name | None = Field(None, description="The agent an app acts for.")


class UndoStored(Answer):
    undo_id: str
    message: Literal["retracted", "sent"] | None = Field(
        description="retracted: the customer never saw it; sent: it stays; None: nothing had been sent."
    )


class MessageRetracted(Answer):
    message: Literal["retracted", "sent"] = Field(
        description="retracted: the customer never saw it; sent: they have it, and it stays."
    )


@write(
    bp,
    "/v1/judgements/<judgement_id>/undo",
    roles=("agent", "app"),
    body=NewUndo,
    own={"agent": Plain},
    answer=UndoStored,
)
def undo(call: Write, body: NewUndo, judgement_id: str) -> UndoStored:
    """Undo a judgement. Before the release its message is retracted, and the set is open again."""
    undone = undo_judgement(
        call.session,
        desk_id=call.actor.desk_id,
        judgement_id=judgement_id,
        agent=find_undoer(call, body),
        now=call.now,
    )
    prepare_after(call, undone.reopened)
    return UndoStored(undo_id=undone.undo_id, message=undone.message)


@write(
    bp,
    "/v1/messages/<message_id>/retract",
    roles=("agent", "app"),
    body=NewUndo,
    own={"agent": Plain},
    answer=MessageRetracted,
    status=200,
)
def retract(call: Write, body: NewUndo, message_id: str) -> MessageRetracted:
    """Retract a reply that was written by hand, before its release; the customer waits again."""
    retracted = retract_by_hand(
        call.session,
        desk_id=call.actor.desk_id,
        message_id=message_id,
        agent=find_undoer(call, body),
        now=call.now,
    )
    prepare_after(call, retracted.reopened)
    return MessageRetracted(message=retracted.message)


def find_undoer(call: Write, body: NewUndo) -> str | None:
    """The agent who must have sent it: the caller, or the agent named. None for a program that names nobody:
    it may undo any.
    """
    named = call.actor.agent_name(body.agent)
    return None if call.actor.role in ("app", "admin") and body.agent is None else named


def prepare_after(call: Write, turn_id: str | None) -> None:
    """After the commit, prepares suggestions for a turn that waits again, if it had none yet."""
    suggester = services().suggester
    if turn_id is not None and suggester is not None:
        call.after_commit(lambda: suggester.enqueue(turn_id))
