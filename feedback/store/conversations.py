"""Conversations and their messages: opening, adding, and what each reader may see.

Every write locks the conversation first, so that positions have no gaps. A customer sees messages in the
order of their release, the desk in the order of their writing. Turns are opened in `turns.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

import sqlalchemy
from sqlalchemy import Connection, bindparam
from sqlmodel import Session, col, func, select

from feedback.errors import ApiError, NotFound
from feedback.store.changes import conversation_topic, note_change
from feedback.store.engine import columns_of, get_row, of_desk, save_row
from feedback.store.tables import Conversation, Message, Turn, new_id
from feedback.store.turns import open_turn
from feedback.store.users import hash_secret

Role = Literal["customer", "agent"]
MESSAGES_AT_ONCE = 500

_BY_TOKEN = sqlalchemy.select(*columns_of(Conversation, "id desk_id language stranger_hash")).where(
    col(Conversation.visitor_token_hash) == bindparam("token_hash")
)

# What a record tells of its conversation: language, tags, and by what its customer is known.
CONVERSATION_COLUMNS = columns_of(Conversation, "language tags customer_id customer_details")


class ConversationErased(ApiError):
    def __init__(self, conversation_id: str) -> None:
        super().__init__(
            410,
            "conversation_erased",
            f"Conversation {conversation_id} was erased; nothing is written to it any more.",
            "Open a new one.",
        )


@dataclass(frozen=True)
class IncomingMessage:
    """One message that is to be added. If `occurred_at` is None, the time is now."""

    role: Role
    text: str
    occurred_at: datetime | None = None
    knowledge: list[dict[str, str]] | None = None


class NewestMessage(NamedTuple):
    """The facts of a conversation's last message, retracted or not, on which the next one depends."""

    position: int
    created_at: datetime
    release_no: int | None  # the highest in the conversation, whichever message has it


@dataclass(frozen=True)
class Opened:
    conversation: Conversation
    messages: list[Message] = field(default_factory=list)
    turn: Turn | None = None  # a customer message waits


def open_conversation(
    session: Session,
    *,
    desk_id: str,
    now: datetime,
    messages: Sequence[IncomingMessage],
    id: str | None = None,
    customer_id: str | None = None,
    customer_details: Sequence[str] = (),
    fields: Sequence[dict[str, str]] = (),
    due_at: datetime | None = None,
    language: str | None = None,
    tags: Sequence[str] = (),
    visitor_token_hash: str | None = None,
    stranger_hash: str | None = None,
    source: str = "live",
    external_id: str | None = None,
) -> Opened:
    """Opens a conversation with these messages. If the customer's is the last, a turn waits for a reply."""
    conversation = Conversation(
        id=id or new_id(),
        desk_id=desk_id,
        source=source,
        external_id=external_id,
        customer_id=customer_id,
        customer_details=list(customer_details),
        fields=list(fields),
        language=language,
        tags=list(tags),
        visitor_token_hash=visitor_token_hash,
        stranger_hash=stranger_hash,
        created_at=now,
    )
    save_row(session, conversation)
    rows = [append_message(session, conversation=conversation, said=said, now=now) for said in messages]
    waits = bool(rows) and rows[-1].role == "customer"
    turn = open_turn(session, message=rows[-1], now=now, due_at=due_at) if waits else None
    return Opened(conversation, rows, turn)


class Visited(NamedTuple):
    """The conversation that a visitor's token gives access to."""

    id: str
    desk_id: str
    language: str | None
    stranger_hash: str | None


def find_visited(connection: Connection, *, token: str) -> Visited | None:
    """The conversation of the customer who holds this token."""
    found = connection.execute(_BY_TOKEN, {"token_hash": hash_secret(token)}).one_or_none()
    return None if found is None else Visited(*found)


def lock_conversation(session: Session, *, desk_id: str, conversation_id: str) -> Conversation:
    """The conversation, locked until the transaction ends. Every change of a conversation starts here."""
    found = get_row(session, Conversation, conversation_id, desk_id=desk_id, what="conversation", lock=True)
    if found.erased_at is not None:
        raise ConversationErased(conversation_id)
    return found


def append_message(
    session: Session,
    *,
    conversation: Conversation,
    said: IncomingMessage,
    now: datetime,
    is_held: bool = False,
    origin: str | None = None,
    agent: str | None = None,
    turn_id: str | None = None,
) -> Message:
    """Adds the next message to a locked conversation. Customers see it at once unless it is held."""
    row = compose_message(
        desk_id=conversation.desk_id,
        conversation_id=conversation.id,
        last=find_last_said(session, conversation_id=conversation.id),
        said=said,
        now=now,
        is_held=is_held,
        origin=origin,
        agent=agent,
        turn_id=turn_id,
    )
    message = Message(**row)
    save_row(session, message)
    note_change(session, conversation_topic(conversation.id))
    return message


def compose_message(
    *,
    desk_id: str,
    conversation_id: str,
    last: NewestMessage | None,
    said: IncomingMessage,
    now: datetime,
    is_held: bool,
    origin: str | None = None,
    agent: str | None = None,
    candidate_id: str | None = None,
    turn_id: str | None = None,
) -> dict[str, Any]:
    """The columns of the message that follows `last`; writes nothing. A held message is released later."""
    next_no = 0 if last is None or last.release_no is None else last.release_no + 1
    at = max(now, last.created_at) if last else now  # two processes' clocks never turn the order round
    return {
        "id": new_id(),
        "desk_id": desk_id,
        "conversation_id": conversation_id,
        "position": last.position + 1 if last else 0,
        "role": said.role,
        "text": said.text,
        "origin": origin,
        "agent": agent,
        "candidate_id": candidate_id,
        "turn_id": turn_id,
        "knowledge": said.knowledge,
        "occurred_at": said.occurred_at or now,
        "created_at": at,
        "released_at": None if is_held else at,
        "release_no": None if is_held else next_no,
    }


def find_last_said(session: Session, *, conversation_id: str) -> NewestMessage | None:
    newest = select(func.max(col(Message.release_no))).where(Message.conversation_id == conversation_id)
    query = select(Message.position, Message.created_at, newest.scalar_subquery()).where(
        Message.conversation_id == conversation_id
    )
    found = session.exec(query.order_by(col(Message.position).desc()).limit(1)).one_or_none()
    return None if found is None else NewestMessage(*found)


def list_messages(
    session: Session, *, desk_id: str, conversation_id: str, after: str | None = None, pending: bool = False
) -> Sequence[Message]:
    """Up to MESSAGES_AT_ONCE messages after the message `after`, without retracted and erased ones. With
    `pending`, messages that are not released yet are included.

    Without `pending` the order is that of release: a reply that was held back comes after what the customer
    wrote meanwhile.
    """
    get_row(session, Conversation, conversation_id, desk_id=desk_id, what="conversation")
    query = of_desk(Message, desk_id).where(
        Message.conversation_id == conversation_id,
        col(Message.retracted_at).is_(None),
        col(Message.text).is_not(None),
    )
    last = None if after is None else get_row(session, Message, after, desk_id=desk_id, what="message")
    if last is not None and last.conversation_id != conversation_id:
        raise NotFound("message", last.id)
    if pending:
        if last is not None:
            query = query.where(Message.position > last.position)
        return session.exec(query.order_by(col(Message.position)).limit(MESSAGES_AT_ONCE)).all()
    query = query.where(col(Message.release_no).is_not(None))
    if last is not None and last.release_no is not None:
        query = query.where(col(Message.release_no) > last.release_no)
    return session.exec(query.order_by(col(Message.release_no)).limit(MESSAGES_AT_ONCE)).all()
