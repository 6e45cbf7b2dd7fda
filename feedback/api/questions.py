"""Calls about the one question that a customer may get after a conversation."""

from datetime import datetime
from typing import Annotated

from flask import Blueprint
from pydantic import Field

from feedback.api.judgements import MAX_DWELL_MS
from feedback.api.routes import NoQuery, Read, Write, get, write
from feedback.api.schemas import Answer, Body, Id
from feedback.clock import still_runs
from feedback.labelling.asking import QUIET, answer_question, find_question
from feedback.records.redact import open_redactor
from feedback.store.engine import get_row
from feedback.store.tables import Conversation
from feedback.web.services import services

bp = Blueprint("questions", __name__)


class QuestionAnswer(Body):
    task_id: Id
    message_id: Id
    score: Annotated[int, Field(ge=1, le=5)] | None = Field(
        None, description="From 1, bad, to 5, very good; null skips the question."
    )
    dwell_ms: Annotated[int, Field(ge=0, le=MAX_DWELL_MS)] | None = None


class QuestionStored(Answer):
    label_id: str | None = Field(description="Null where it was skipped.")


class QuestionAsked(Answer):
    task_id: str
    message_id: str = Field(description="The reply that is asked about.")
    text: str = Field(description="In the team's words; empty: how good the answer was.")


class QuestionShown(Answer):
    question: QuestionAsked | None = Field(description="Null where nothing is asked, or it is too early.")
    asked_from: datetime | None = Field(description="When it is asked, if nobody writes before.")


@get(
    bp,
    "/v1/conversations/<conversation_id>/question",
    roles=("app", "visitor"),
    answer=QuestionShown,
)
def show_question(call: Read[NoQuery], conversation_id: str) -> QuestionShown:
    """The question for the customer after a conversation, to be answered or skipped once."""
    desk_id = call.actor.desk_id
    with call.read() as session:
        if call.actor.role != "visitor":  # a visitor's token names the conversation already
            get_row(session, Conversation, conversation_id, desk_id=desk_id, what="conversation")
        found = find_question(session, desk_id=desk_id, conversation_id=conversation_id, now=call.now)
    if found is None:
        return QuestionShown(question=None, asked_from=None)
    if still_runs(found.asked_from, now=call.now, term=QUIET):
        return QuestionShown(question=None, asked_from=found.asked_from)
    asked = QuestionAsked(task_id=found.task_id, message_id=found.message_id, text=found.text)
    return QuestionShown(question=asked, asked_from=found.asked_from)


@write(
    bp,
    "/v1/conversations/<conversation_id>/question",
    roles=("app", "visitor"),
    body=QuestionAnswer,
    answer=QuestionStored,
)
def answer(call: Write, body: QuestionAnswer, conversation_id: str) -> QuestionStored:
    """Answer the question after a conversation, or skip it."""
    label = answer_question(
        call.session,
        desk_id=call.actor.desk_id,
        conversation_id=conversation_id,
        redactor=open_redactor(services().settings.data_dir),
        now=call.now,
        **body.model_dump(exclude={"event_id"}),
    )
    return QuestionStored(label_id=None if label is None else label.id)
