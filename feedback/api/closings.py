"""Calls that close turns without a reply, many at once, and open them again.

A closing judges the turn, not its suggestions: it is stored with the turn only, so nothing is trained on it
and no rate counts it.
"""

from typing import Annotated, Literal

from flask import Blueprint
from pydantic import Field

from feedback.api.messages import notice_after
from feedback.api.routes import Write, write
from feedback.api.schemas import Answer, Body, Id, Name
from feedback.store.closings import close_turns, reopen_turns
from feedback.web.services import services

bp = Blueprint("closings", __name__)


class SomeTurns(Body):
    turn_ids: Annotated[list[Id], Field(min_length=1, max_length=200)]


class OwnClosing(SomeTurns):
    reason: Literal["spam", "no_reply"] = Field(
        description="spam: nobody to serve; no_reply: a customer whose message needs no answer."
    )


class NewClosing(OwnClosing):
    agent: Name | None = Field(None, description="The agent an app acts for.")


class TurnsClosed(Answer):
    closed: list[str]
    left: list[str] = Field(description="Those that wait no longer, or that a colleague answers.")


class TurnsReopened(Answer):
    reopened: list[str]
    left: list[str] = Field(
        description="Those that nobody had closed, and those whose conversation went on since."
    )


@write(
    bp,
    "/v1/turns/close",
    roles=("agent", "app"),
    body=NewClosing,
    own={"agent": OwnClosing},
    answer=TurnsClosed,
    status=200,
)
def close_waiting_turns(call: Write, body: NewClosing) -> TurnsClosed:
    """Close turns that need no reply; the customer gets no message and may write again."""
    closed = close_turns(
        call.session,
        desk_id=call.actor.desk_id,
        turn_ids=body.turn_ids,
        reason=body.reason,
        agent=call.actor.agent_name(body.agent),
        now=call.now,
        claim_minutes=services().settings.claim_minutes,
    )
    return TurnsClosed(closed=closed, left=[id for id in body.turn_ids if id not in closed])


@write(bp, "/v1/turns/reopen", roles=("agent", "app"), body=SomeTurns, answer=TurnsReopened, status=200)
def reopen(call: Write, body: SomeTurns) -> TurnsReopened:
    """Undo a closing: the turns wait again, each with the suggestions it had."""
    reopened = reopen_turns(call.session, desk_id=call.actor.desk_id, turn_ids=body.turn_ids)
    notice_after(call)
    return TurnsReopened(reopened=reopened, left=[id for id in body.turn_ids if id not in reopened])
