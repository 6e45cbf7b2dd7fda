"""The call by which a customer's page asks for the queue position. It neither waits nor writes, so many pages
can use it; each asks rarely, and only while a message waits for a reply.
"""

from datetime import datetime

from flask import Blueprint
from pydantic import Field

from feedback.api.routes import NoQuery, Read, get
from feedback.api.schemas import Answer
from feedback.store.engine import get_row
from feedback.store.queue_position import find_queue_position
from feedback.store.tables import Conversation

bp = Blueprint("queue_position", __name__)


class QueuePositionShown(Answer):
    present: int = Field(description="People at the desk now.")
    waiting_before: int | None = Field(
        description="Conversations that wait before this one; null where it waits for nothing."
    )
    waiting_since: datetime | None = Field(description="When the first message was written that waits.")


@get(
    bp,
    "/v1/conversations/<conversation_id>/standing",
    roles=("app", "visitor"),
    answer=QueuePositionShown,
)
def read_queue_position(call: Read[NoQuery], conversation_id: str) -> QueuePositionShown:
    """A waiting customer's position: people at the desk, conversations before theirs, waiting since when."""
    with call.read() as session:
        if call.actor.role != "visitor":  # a visitor's token names the conversation already
            get_row(session, Conversation, conversation_id, desk_id=call.actor.desk_id, what="conversation")
        found = find_queue_position(
            session, desk_id=call.actor.desk_id, conversation_id=conversation_id, now=call.now
        )
    return QueuePositionShown(
        present=found.present, waiting_before=found.waiting_before, waiting_since=found.waiting_since
    )
