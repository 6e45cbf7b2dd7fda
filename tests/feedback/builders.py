"""Rows for tests, one builder per concept with readable defaults; each gives the row it made."""

from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from feedback.store.tables import Adapter, Conversation, Dataset, Message, SystemPrompt, Turn

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
DESK = "default"
BASE_ID = "b" * 64


def add(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row


def add_system_prompt(session: Session, text: str = "You help the customers of a shop.") -> SystemPrompt:
    return add(session, SystemPrompt(desk_id=DESK, version=1, text=text, created_at=NOW))


def add_conversation(session: Session, **fields: Any) -> Conversation:
    return add(session, Conversation(desk_id=DESK, created_at=NOW, **fields))


def add_message(
    session: Session, conversation_id: str, position: int, role: str, text: str, **fields: Any
) -> Message:
    times = {"occurred_at": NOW, "created_at": NOW, "released_at": NOW, "release_no": position} | fields
    row = Message(
        desk_id=DESK, conversation_id=conversation_id, position=position, role=role, text=text, **times
    )
    return add(session, row)


def add_turn(session: Session, texts: tuple[str, ...] = ("Where is my order 1042?",), **message: Any) -> Turn:
    """A conversation whose messages alternate, the last one from the customer, and its waiting turn."""
    conversation = add_conversation(session)
    roles = ["customer" if (len(texts) - 1 - n) % 2 == 0 else "agent" for n in range(len(texts))]
    for position, (role, text) in enumerate(zip(roles, texts, strict=True)):
        last = message if position == len(texts) - 1 else {}
        row = add_message(session, conversation.id, position, role, text, **last)
    return add(
        session, Turn(desk_id=DESK, conversation_id=conversation.id, message_id=row.id, created_at=NOW)
    )


def add_adapter(session: Session, name: str, state: str = "passed", **fields: Any) -> Adapter:
    given = {"base_id": BASE_ID, "manifest_sha256": "f" * 64} | fields
    return add(session, Adapter(name=name, desk_id=DESK, state=state, created_at=NOW, **given))


def add_dataset(session: Session, id: str = "d" * 64, **fields: Any) -> Dataset:
    return add(session, Dataset(id=id, desk_id=DESK, created_at=NOW, **fields))
