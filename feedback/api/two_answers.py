"""Calls about two answers of which a customer picks one; the messages of the conversation hold them."""

from typing import Annotated, Literal

from flask import Blueprint
from pydantic import Field
from sqlmodel import Session

from feedback.actor import Actor
from feedback.api.judgements import MAX_DWELL_MS
from feedback.api.routes import Write, write
from feedback.api.schemas import Answer, Body, Id, Plain
from feedback.labelling.two_answers import answer_offer, release_first
from feedback.records.redact import open_redactor
from feedback.store.two_answers import find_offered
from feedback.web.services import services

bp = Blueprint("two_answers", __name__)


class Picked(Body):
    message_id: Id
    answer: Literal["first", "second", "both", "neither"]
    dwell_ms: Annotated[int, Field(ge=0, le=MAX_DWELL_MS)] | None = None


class PickStored(Answer):
    label_id: str | None = Field(description="Null where both texts say the same.")


class FirstSent(Answer):
    message_id: str


class TwoAnswersShown(Answer):
    message_id: str = Field(description="The message that the picked text becomes.")
    first: str
    second: str


def show_two_answers(session: Session, actor: Actor, conversation_id: str) -> TwoAnswersShown | None:
    found = find_offered(session, desk_id=actor.desk_id, conversation_id=conversation_id)
    return (
        None
        if found is None
        else TwoAnswersShown(message_id=found.id, first=found.first, second=found.second)
    )


@write(
    bp,
    "/v1/conversations/<conversation_id>/two-answers",
    roles=("app", "visitor"),
    body=Picked,
    answer=PickStored,
)
def pick(call: Write, body: Picked, conversation_id: str) -> PickStored:
    """Pick one of two answers: it is sent. After both, the first is; after neither, the turn waits again."""
    label = answer_offer(
        call.session,
        desk_id=call.actor.desk_id,
        conversation_id=conversation_id,
        redactor=open_redactor(services().settings.data_dir),
        now=call.now,
        **body.model_dump(exclude={"event_id"}),
    )
    return PickStored(label_id=None if label is None else label.id)


@write(
    bp, "/v1/messages/<message_id>/release", roles=("agent", "app"), body=Plain, answer=FirstSent, status=200
)
def release_one(call: Write, body: Plain, message_id: str) -> FirstSent:
    """Send the first of two answers, since the customer has not picked one."""
    release_first(call.session, desk_id=call.actor.desk_id, message_id=message_id, now=call.now)
    return FirstSent(message_id=message_id)
