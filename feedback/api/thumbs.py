"""Calls about thumbs: a customer rates a reply; their page and the author of the reply can read the
ratings.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from flask import Blueprint
from pydantic import Field, StringConstraints
from sqlmodel import Session

from feedback.actor import Actor
from feedback.api.caps import check_thumbs
from feedback.api.routes import Read, Write, get, write
from feedback.api.schemas import Answer, Body, Id, Name, Query, Tag, Time
from feedback.store.tables import Message
from feedback.store.thumbs import add_thumb, find_last_thumbs, list_heard

bp = Blueprint("thumbs", __name__)

HEARD_FOR = timedelta(days=7)


class OwnThumb(Body):
    value: Annotated[int, Field(ge=-1, le=1, description="1 up, -1 down, 0 taken back; the last one counts.")]
    reasons: Annotated[list[Tag], Field(max_length=10, default_factory=list)]
    comment: Annotated[str, StringConstraints(max_length=2_000)] | None = None
    number: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(
        None, description="Which press on this message; one that comes after a higher one is refused."
    )


class NewThumb(OwnThumb):
    occurred_at: Time | None = None


class ThumbStored(Answer):
    thumb_id: str


class ThumbShown(Answer):
    value: int
    reasons: list[str]
    comment: str | None
    number: int | None


@write(
    bp,
    "/v1/messages/<message_id>/thumbs",
    roles=("app", "visitor"),
    body=NewThumb,
    own={"visitor": OwnThumb},
    answer=ThumbStored,
)
def create_thumb(call: Write, body: NewThumb, message_id: str) -> ThumbStored:
    """Rate a reply with a thumb."""
    check_thumbs(call)
    thumb = add_thumb(
        call.session,
        desk_id=call.actor.desk_id,
        message_id=message_id,
        value=body.value,
        actor=call.actor.key,
        now=call.now,
        conversation_id=call.actor.conversation_id,
        reasons=body.reasons,
        comment=body.comment,
        occurred_at=body.occurred_at,
        number=body.number,
    )
    return ThumbStored(thumb_id=thumb.id)


def show_own_thumbs(session: Session, visitor: Actor, messages: Sequence[Message]) -> dict[str, ThumbShown]:
    """The last thumb of this visitor on each of these replies, from whichever browser it was given."""
    replies = [message.id for message in messages if message.role == "agent"]
    if not replies:
        return {}
    last = find_last_thumbs(session, desk_id=visitor.desk_id, message_ids=replies, actor=visitor.key)
    return {
        id: ThumbShown(value=row.value, reasons=row.reasons, comment=row.comment, number=row.number)
        for id, row in last.items()
    }


class ThumbsAsked(Query):
    agent: Name | None = Field(None, description="The agent an app acts for.")
    conversation_id: Id | None = Field(None, description="Only those of this conversation.")


class ThumbHeard(Answer):
    thumb_id: str
    message_id: str
    conversation_id: str
    customer_id: str | None
    value: int
    reasons: list[str]
    comment: str | None
    created_at: datetime


class Thumbs(Answer):
    thumbs: list[ThumbHeard]


@get(bp, "/v1/thumbs", roles=("agent", "app"), answer=Thumbs, query=ThumbsAsked)
def list_mine(call: Read[ThumbsAsked]) -> Thumbs:
    """Customers' ratings of the replies that the caller sent, newest first: up to 100 of the last week."""
    with call.read() as session:
        heard = list_heard(
            session,
            desk_id=call.actor.desk_id,
            agent=call.actor.agent_name(call.query.agent),
            since=call.now - HEARD_FOR,
            conversation_id=call.query.conversation_id,
        )
    return Thumbs(
        thumbs=[
            ThumbHeard(
                thumb_id=row.thumb.id,
                message_id=row.thumb.message_id,
                conversation_id=row.conversation_id,
                customer_id=row.customer_id,
                value=row.thumb.value,
                reasons=row.thumb.reasons,
                comment=row.thumb.comment,
                created_at=row.thumb.created_at,
            )
            for row in heard
        ]
    )
