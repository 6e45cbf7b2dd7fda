"""Calls about tags that patterns propose: listing them, confirming and rejecting many at once, undo."""

from datetime import datetime
from typing import Annotated, Literal

from flask import Blueprint
from pydantic import Field, StringConstraints

from feedback.api.routes import Read, Write, get, write
from feedback.api.schemas import Answer, Body, Id, Part, Query
from feedback.store.tag_proposals import SaidOfTag, decide_tags, list_tag_proposals, undo_tag_decisions
from feedback.store.tags import get_tag, read_tag_tree

bp = Blueprint("tag_proposals", __name__)

EXPERT = ("expert",)
AT_ONCE = 200


class ProposalsAsked(Query):
    tag_id: Id | None = Field(None, description="Only this tag and those below it.")
    limit: int = Field(50, ge=1, le=AT_ONCE)


class ProposalShown(Answer):
    tag_id: str
    path: str
    conversation_id: str
    language: str | None
    at: datetime
    pattern: str
    before: str = Field(description="What stands before the text that matched.")
    matched: str
    after: str


class Proposals(Answer):
    proposals: list[ProposalShown] = Field(description="Newest first.")


class Decision(Part):
    tag_id: Id
    conversation_id: Id
    verdict: Literal["confirm", "reject"]
    pattern: Annotated[str, StringConstraints(max_length=200)] | None = None


class NewDecisions(Body):
    decisions: Annotated[list[Decision], Field(min_length=1, max_length=AT_ONCE)]


class DecisionsStored(Answer):
    decision_ids: list[str]
    left: int = Field(description="That somebody else had decided before.")


class NewDecisionsUndo(Body):
    decision_ids: Annotated[list[Id], Field(min_length=1, max_length=AT_ONCE)]


class DecisionsTakenBack(Answer):
    taken_back: int


@get(bp, "/v1/tag-proposals", roles=EXPERT, answer=Proposals, query=ProposalsAsked)
def list_proposals(call: Read[ProposalsAsked]) -> Proposals:
    """Tags that patterns propose for conversations, with the words that were found."""
    desk_id, asked = call.actor.desk_id, call.query
    with call.read() as session:
        if asked.tag_id is not None:
            get_tag(session, desk_id=desk_id, tag_id=asked.tag_id)
        tree = read_tag_tree(session, desk_id=desk_id)
        found = list_tag_proposals(session, desk_id=desk_id, tag_id=asked.tag_id, limit=asked.limit)
    return Proposals(
        proposals=[
            ProposalShown(
                tag_id=each.tag_id,
                path=tree.paths[each.tag_id],
                conversation_id=each.conversation_id,
                language=each.language,
                at=each.at,
                pattern=each.hit.pattern,
                before=each.hit.before,
                matched=each.hit.text,
                after=each.hit.after,
            )
            for each in found
        ]
    )


@write(bp, "/v1/tag-decisions", roles=EXPERT, body=NewDecisions, answer=DecisionsStored)
def decide_many(call: Write, body: NewDecisions) -> DecisionsStored:
    """Confirm or reject proposed tags. A confirmed one joins the tags of its conversation."""
    said = [
        SaidOfTag(each.tag_id, each.conversation_id, each.verdict, each.pattern) for each in body.decisions
    ]
    made = decide_tags(
        call.session, desk_id=call.actor.desk_id, said=said, actor=call.actor.name, now=call.now
    )
    return DecisionsStored(decision_ids=[row.id for row in made], left=len(said) - len(made))


@write(
    bp, "/v1/tag-decisions/undo", roles=EXPERT, body=NewDecisionsUndo, answer=DecisionsTakenBack, status=200
)
def undo_decisions(call: Write, body: NewDecisionsUndo) -> DecisionsTakenBack:
    """Take decisions back: their tags leave the conversations and are proposed again."""
    made = undo_tag_decisions(
        call.session,
        desk_id=call.actor.desk_id,
        ids=body.decision_ids,
        actor=call.actor.name,
        now=call.now,
    )
    return DecisionsTakenBack(taken_back=len(made))
