"""The call by which a page reports who is at the desk and what they look at; it also prolongs their claim."""

from flask import Blueprint
from pydantic import Field

from feedback.api.routes import Write, put
from feedback.api.schemas import Answer, Id, Name, PutBody
from feedback.store.presence import end_presence, note_presence
from feedback.store.turns import prolong_claim, release_turn

bp = Blueprint("presence", __name__)


class OwnPresence(PutBody):
    turn_id: Id | None = Field(None, description="The turn they look at.")
    left: Id | None = Field(None, description="The turn they leave: if they hold it, it is given back.")
    here: bool = Field(True, description="False: they leave the desk.")


class NewPresence(OwnPresence):
    agent: Name | None = Field(None, description="The agent an app acts for.")


class PresenceNoted(Answer):
    turn_id: str | None
    claimed_by_me: bool = Field(description="Whether the turn is theirs to answer; it is so a while longer.")


@put(
    bp,
    "/v1/presence",
    roles=("agent", "app"),
    body=NewPresence,
    own={"agent": OwnPresence},
    answer=PresenceNoted,
)
def note(call: Write, body: NewPresence) -> PresenceNoted:
    """Report that somebody is at the desk and reads this turn; this prolongs their claim on it."""
    desk_id, agent = call.actor.desk_id, call.actor.agent_name(body.agent)
    if body.left is not None:
        release_turn(call.session, desk_id=desk_id, turn_id=body.left, agent=agent)
    if not body.here:
        end_presence(call.session, desk_id=desk_id, agent=agent)
        return PresenceNoted(turn_id=None, claimed_by_me=False)
    note_presence(call.session, desk_id=desk_id, agent=agent, turn_id=body.turn_id, now=call.now)
    if body.turn_id is None:
        return PresenceNoted(turn_id=None, claimed_by_me=False)
    turn = prolong_claim(call.session, desk_id=desk_id, turn_id=body.turn_id, agent=agent, now=call.now)
    is_mine = turn.state == "waiting" and turn.claimed_by == agent
    return PresenceNoted(turn_id=turn.id, claimed_by_me=is_mine)
