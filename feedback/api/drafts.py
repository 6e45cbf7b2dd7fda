"""Calls about drafts: texts that a person has written and not sent, kept for that person only."""

from datetime import datetime
from typing import Annotated

from flask import Blueprint
from pydantic import Field, StringConstraints

from feedback.api.routes import Read, Write, get, put
from feedback.api.schemas import MAX_TEXT, Answer, Id, Name, PutBody, Query, Revision, Tag
from feedback.store.drafts import KeptDraft, Written, clear_draft, list_drafts, save_draft

bp = Blueprint("drafts", __name__)

PREVIEW = 240  # characters of what the customer had written


class OwnDraft(PutBody):
    revision: Revision
    aside_id: Id | None = Field(
        None, description="A text that lies beside the one in the composer; a random id of its own."
    )
    text: Annotated[str, StringConstraints(max_length=MAX_TEXT)] = Field(
        "", description="Empty: there is none."
    )
    taken: Id | None = Field(None, description="The candidate that it began as.")
    none_good: bool = Field(False, description="None of the candidates was good.")
    turn_id: Id | None = Field(None, description="The turn that it was written for.")
    refused: Tag | None = Field(None, description="Why it could not be sent: the code of the refusal.")


class NewDraft(OwnDraft):
    agent: Name | None = Field(None, description="The agent an app acts for.")


class DraftKept(Answer):
    revision: int = Field(description="The one that stands; higher than what was said if that came late.")


class DraftsAsked(Query):
    agent: Name | None = Field(None, description="The agent an app acts for.")


class DraftShown(Answer):
    conversation_id: str
    aside_id: str | None
    text: str
    taken: str | None
    none_good: bool
    turn_id: str | None
    refused: str | None
    revision: int
    updated_at: datetime
    asked: str = Field(description="The beginning of what the customer had written.")
    waiting_turn_id: str | None = Field(description="The turn that waits in the conversation now.")


class Drafts(Answer):
    agent: str = Field(description="Whose they are.")
    drafts: list[DraftShown]


@put(
    bp,
    "/v1/conversations/<conversation_id>/draft",
    roles=("agent", "app"),
    body=NewDraft,
    own={"agent": OwnDraft},
    answer=DraftKept,
)
def save(call: Write, body: NewDraft, conversation_id: str) -> DraftKept:
    """Save an unsent text; the highest revision wins, and an empty text deletes the draft."""
    revision = save_draft(
        call.session,
        desk_id=call.actor.desk_id,
        agent=call.actor.agent_name(body.agent),
        conversation_id=conversation_id,
        written=Written(
            revision=body.revision,
            aside_id=body.aside_id or "",
            text=body.text,
            taken=body.taken,
            none_good=body.none_good,
            turn_id=body.turn_id,
            refused=body.refused,
        ),
        now=call.now,
    )
    return DraftKept(revision=revision)


@get(bp, "/v1/drafts", roles=("agent", "app"), answer=Drafts, query=DraftsAsked)
def read_all(call: Read[DraftsAsked]) -> Drafts:
    """All unsent texts of one person, in all conversations."""
    agent = call.actor.agent_name(call.query.agent)
    with call.read() as session:
        kept = list_drafts(session, desk_id=call.actor.desk_id, agent=agent)
    return Drafts(agent=agent, drafts=[show_draft(each) for each in kept])


def clear_sent(call: Write, named: str | None, conversation_id: str, revision: int | None) -> None:
    """Deletes the draft of a reply in the transaction that sends the reply."""
    if revision is not None:
        clear_draft(
            call.session,
            desk_id=call.actor.desk_id,
            agent=call.actor.agent_name(named),
            conversation_id=conversation_id,
            revision=revision,
            now=call.now,
        )


def show_draft(kept: KeptDraft) -> DraftShown:
    row = kept.draft
    return DraftShown(
        conversation_id=row.conversation_id,
        aside_id=row.aside_id or None,
        text=row.text,
        taken=row.taken,
        none_good=row.none_good,
        turn_id=row.turn_id,
        refused=row.refused,
        revision=row.revision,
        updated_at=row.updated_at,
        asked=(kept.asked or "")[:PREVIEW],
        waiting_turn_id=kept.waiting_turn_id,
    )
