"""The call that opens a conversation with what was said so far; its messages are in messages.py."""

from typing import Annotated, Any, Self

from flask import Blueprint, current_app
from pydantic import Field, model_validator

from feedback.api.messages import notice_after
from feedback.api.routes import Write, write
from feedback.api.schemas import (
    DUE,
    MAX_HANDED,
    MAX_MESSAGES,
    SHOWN_BESIDE,
    Answer,
    Attachments,
    Body,
    HandedText,
    KnowledgeList,
    Language,
    Name,
    Part,
    PassedFields,
    Role,
    Tag,
    Time,
    write_down,
)
from feedback.records.language import find_language
from feedback.store.conversations import (
    IncomingMessage,
    open_conversation,
)
from feedback.store.tables import new_id
from feedback.store.users import hash_secret
from feedback.web.auth import visitor_token

bp = Blueprint("conversations", __name__)


class HandedMessage(Part):
    role: Role
    text: HandedText = ""
    attachments: Attachments
    occurred_at: Time | None = None

    @model_validator(mode="after")
    def write_down(self) -> Self:
        self.text = write_down(self.text, self.attachments)
        return self


class NewConversation(Body):
    messages: Annotated[
        list[HandedMessage],
        Field(max_length=MAX_HANDED, description=f"The latest {MAX_MESSAGES} are kept."),
    ]
    customer_id: Name | None = None
    customer_details: Annotated[list[Name], Field(max_length=20, default_factory=list)] = Field(
        description="Names, addresses and the like of this customer; replaced in what is learnt from."
    )
    language: Language | None = None
    tags: Annotated[list[Tag], Field(max_length=20, default_factory=list)]
    knowledge: KnowledgeList | None = Field(
        None, description="What the reply to the last message may rest on; agents see it beside it."
    )
    fields: PassedFields = Field(default_factory=list, description=SHOWN_BESIDE)
    due_at: Time | None = Field(None, description=DUE)


class ConversationOpened(Answer):
    conversation_id: str
    visitor_token: str = Field(description="For this customer's own page; opens this conversation alone.")
    turn_id: str | None = Field(description="The turn that waits, if the last message is the customer's.")
    messages_left_out: int = Field(description=f"The oldest messages, of more than {MAX_MESSAGES}.")


def add_visitor_token(answer: dict[str, Any]) -> dict[str, Any]:
    """Adds the token to the answer only: the store keeps a hash of it, and the event does not contain it."""
    return answer | {"visitor_token": visitor_token(str(current_app.secret_key), answer["conversation_id"])}


@write(
    bp,
    "/v1/conversations",
    roles=("app",),
    body=NewConversation,
    answer=ConversationOpened,
    reveal=add_visitor_token,
)
def create_conversation(call: Write, body: NewConversation) -> ConversationOpened:
    """Open a conversation with the messages written so far."""
    id = new_id()
    knowledge = [part.model_dump() for part in body.knowledge] if body.knowledge else None
    kept = body.messages[-MAX_MESSAGES:]
    opened = open_conversation(
        call.session,
        id=id,
        desk_id=call.actor.desk_id,
        now=call.now,
        messages=[
            IncomingMessage(said.role, said.text, said.occurred_at, knowledge if said is kept[-1] else None)
            for said in kept
        ],
        customer_id=body.customer_id,
        customer_details=body.customer_details,
        fields=[given.keep() for given in body.fields],
        due_at=body.due_at,
        language=body.language
        or find_language(said.text for said in body.messages if said.role == "customer"),
        tags=body.tags,
        visitor_token_hash=hash_secret(visitor_token(str(current_app.secret_key), id)),
    )
    if opened.turn is not None:
        notice_after(call)
    return ConversationOpened(
        conversation_id=id,
        visitor_token="",
        turn_id=opened.turn.id if opened.turn is not None else None,
        messages_left_out=len(body.messages) - len(kept),
    )
