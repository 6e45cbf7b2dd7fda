"""The call of end users: a thumb on a reply they got."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field, StringConstraints

from feedback.api.caps import check_thumbs
from feedback.api.routes import Write, write
from feedback.api.schemas import Answer, Body, Tag, Time
from feedback.store.thumbs import add_thumb

bp = Blueprint("thumbs", __name__)


class OwnThumb(Body):
    value: Annotated[int, Field(ge=-1, le=1, description="1 up, -1 down, 0 taken back; the last one counts.")]
    reasons: Annotated[list[Tag], Field(max_length=10, default_factory=list)]
    comment: Annotated[str, StringConstraints(max_length=2_000)] | None = None


class NewThumb(OwnThumb):
    occurred_at: Time | None = None


class ThumbStored(Answer):
    thumb_id: str


@write(
    bp,
    "/v1/messages/<message_id>/thumbs",
    roles=("app", "visitor"),
    body=NewThumb,
    own={"visitor": OwnThumb},
    answer=ThumbStored,
)
def create(call: Write, body: NewThumb, message_id: str) -> ThumbStored:
    """Say what a reply was worth."""
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
    )
    return ThumbStored(thumb_id=thumb.id)
