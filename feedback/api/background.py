"""The call that shows the background of a conversation: facts that the app passed along, and earlier
conversations.
"""

from datetime import datetime

from flask import Blueprint
from pydantic import Field

from feedback.api.routes import Read, get
from feedback.api.schemas import Answer, PassedField, Query
from feedback.store.background import list_earlier
from feedback.store.engine import get_row
from feedback.store.tables import Conversation

bp = Blueprint("background", __name__)

MOST_EARLIER = 20
FIRST_WORDS = 120  # characters of an earlier conversation's beginning


class EarlierShown(Answer):
    conversation_id: str
    created_at: datetime
    language: str | None
    text: str = Field(description="The beginning of the customer's first message.")


class ConversationShown(Answer):
    conversation_id: str
    customer_id: str | None
    customer_details: list[str]
    language: str | None
    tags: list[str]
    fields: list[PassedField] = Field(description="What an app passed along for its agents.")
    created_at: datetime
    earlier: list[EarlierShown] = Field(
        description=f"Conversations that this customer began before, the latest {MOST_EARLIER}, newest first."
    )


@get(bp, "/v1/conversations/<conversation_id>", roles=("app", "agent"), answer=ConversationShown)
def read_background(call: Read[Query], conversation_id: str) -> ConversationShown:
    """Who writes: facts that the app passed along, and earlier conversations of the same customer."""
    with call.read() as session:
        found = get_row(
            session, Conversation, conversation_id, desk_id=call.actor.desk_id, what="conversation"
        )
        earlier = list_earlier(session, conversation=found, limit=MOST_EARLIER)
        return ConversationShown(
            conversation_id=found.id,
            customer_id=found.customer_id,
            customer_details=found.customer_details,
            language=found.language,
            tags=found.tags,
            fields=[PassedField(**given) for given in found.fields],
            created_at=found.created_at,
            earlier=[
                EarlierShown(
                    conversation_id=row.id,
                    created_at=row.created_at,
                    language=row.language,
                    text=(row.text or "")[:FIRST_WORDS],
                )
                for row in earlier
            ],
        )
