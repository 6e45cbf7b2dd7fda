"""Calls about judgements: what the agent did with a suggestion set, and why."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field

from feedback.api.drafts import clear_sent
from feedback.api.routes import Write, write
from feedback.api.schemas import Answer, Body, Id, Name, Revision, Tag, Text, Time
from feedback.store.campaigns import gives_two_answers
from feedback.store.judgement_reasons import add_reasons
from feedback.store.judgement_rules import Kind, Verdict
from feedback.store.judgements import JudgementSettings, record_judgement
from feedback.web.services import services

bp = Blueprint("judgements", __name__)

MAX_DWELL_MS = 2_000_000_000


Reasons = Annotated[list[Tag], Field(max_length=10)]


class OwnJudgement(Body):
    kind: Kind
    candidate_id: Id | None = Field(None, description="The candidate that is sent (pick, tie) or was edited.")
    candidate_ids: Annotated[
        list[Id], Field(max_length=8, default_factory=list, description="tie: the equals.")
    ]
    both: bool = Field(False, description="tie of two: the customer gets both and picks one.")
    text: Text | None = Field(None, description="edit, own: what is sent.")
    reasons: Annotated[Reasons, Field(default_factory=list)]
    dwell_ms: Annotated[int, Field(ge=0, le=MAX_DWELL_MS)] | None = Field(
        None, description="Milliseconds from the reveal to the decision."
    )
    occurred_at: Time | None = None
    draft_revision: Revision | None = Field(None, description="The draft that this sends: it goes with it.")


class NewJudgement(OwnJudgement):
    agent: Name | None = Field(None, description="The agent an app acts for.")


class JudgementStored(Answer):
    judgement_id: str
    message_id: str | None = Field(description="What was sent; None for none and skip.")


class OwnReasons(Body):
    reasons: Reasons = Field(description="All of them: they take the place of those said before.")


class NewReasons(OwnReasons):
    agent: Name | None = Field(None, description="The agent an app acts for.")


class ReasonsStored(Answer):
    reasons_id: str


def is_two_answers_asked(call: Write, set_id: str) -> bool:
    return gives_two_answers(call.session, desk_id=call.actor.desk_id, set_id=set_id, now=call.now)


@write(
    bp,
    "/v1/sets/<set_id>/judgements",
    roles=("agent", "app"),
    body=NewJudgement,
    own={"agent": OwnJudgement},
    answer=JudgementStored,
)
def judge(call: Write, body: NewJudgement, set_id: str) -> JudgementStored:
    """Judge a set: pick, edit, own, tie, none or skip."""
    settings = services().settings
    recorded = record_judgement(
        call.session,
        desk_id=call.actor.desk_id,
        set_id=set_id,
        verdict=Verdict(
            kind=body.kind,
            agent=call.actor.agent_name(body.agent),
            candidate_id=body.candidate_id,
            candidate_ids=body.candidate_ids,
            both=body.both,
            text=body.text,
            reasons=body.reasons,
            dwell_ms=body.dwell_ms,
            occurred_at=body.occurred_at,
        ),
        now=call.now,
        settings=JudgementSettings(
            undo_window_s=settings.undo_window_s,
            claim_minutes=settings.claim_minutes,
            two_answers=settings.two_answers or (body.both and is_two_answers_asked(call, set_id)),
        ),
    )
    if recorded.message_id is not None:
        clear_sent(call, body.agent, recorded.conversation_id, body.draft_revision)
        message_id, releaser = recorded.message_id, services().releaser
        call.after_commit(lambda: releaser.hold(message_id))
    return JudgementStored(judgement_id=recorded.judgement_id, message_id=recorded.message_id)


@write(
    bp,
    "/v1/judgements/<judgement_id>/reasons",
    roles=("agent", "app"),
    body=NewReasons,
    own={"agent": OwnReasons},
    answer=ReasonsStored,
)
def give_reasons(call: Write, body: NewReasons, judgement_id: str) -> ReasonsStored:
    """Say why, for ten minutes after a judgement; the latest reasons count."""
    row = add_reasons(
        call.session,
        desk_id=call.actor.desk_id,
        judgement_id=judgement_id,
        agent=call.actor.agent_name(body.agent),
        reasons=body.reasons,
        now=call.now,
        anybody=call.actor.role in ("app", "admin") and body.agent is None,
    )
    return ReasonsStored(reasons_id=row.id)
