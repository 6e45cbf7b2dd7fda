"""Drafts: what a person has written and not sent to the customer. Only the last state is kept, no history."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from feedback.errors import NotFound
from feedback.store.conversations import lock_conversation
from feedback.store.engine import get_row
from feedback.store.tables import Conversation, Draft, Message, Turn

KEY = ("desk_id", "agent", "conversation_id", "aside_id")


@dataclass(frozen=True)
class Written:
    """A text in the composer or set aside (`aside_id`), with the revision that the person's page gave it."""

    revision: int
    aside_id: str = ""
    text: str = ""
    taken: str | None = None
    none_good: bool = False
    turn_id: str | None = None
    refused: str | None = None

    @property
    def stands(self) -> bool:
        return bool(self.text or self.none_good)


@dataclass(frozen=True)
class KeptDraft:
    draft: Draft
    asked: str | None  # what the customer had written
    waiting_turn_id: str | None  # where it could be sent now


def save_draft(
    session: Session, *, desk_id: str, agent: str, conversation_id: str, written: Written, now: datetime
) -> int:
    """Stores the draft unless a newer one is stored already; returns the revision that is now stored."""
    lock_conversation(session, desk_id=desk_id, conversation_id=conversation_id)
    if written.turn_id is not None:
        turn = get_row(session, Turn, written.turn_id, desk_id=desk_id, what="turn")
        if turn.conversation_id != conversation_id:
            raise NotFound("turn", turn.id)
    key = {"desk_id": desk_id, "agent": agent, "conversation_id": conversation_id}
    row = key | asdict(written) | {"stands": written.stands, "updated_at": now}
    _write(session.connection(), row, where=col(Draft.revision) < written.revision)
    kept = session.get_one(Draft, tuple(row[name] for name in KEY))
    return kept.revision


def clear_draft(
    session: Session, *, desk_id: str, agent: str, conversation_id: str, revision: int, now: datetime
) -> None:
    """Empties the composer's draft of a locked conversation, unless it is newer than what was sent."""
    key = {"desk_id": desk_id, "agent": agent, "conversation_id": conversation_id}
    row = key | asdict(Written(revision)) | {"stands": False, "updated_at": now}
    _write(session.connection(), row, where=col(Draft.revision) <= revision)


def _write(connection: Connection, row: dict[str, Any], *, where: ColumnElement[bool]) -> None:
    """Inserts a draft, or replaces the existing one if it meets the condition `where`."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    instead = {name: value for name, value in row.items() if name not in KEY}
    new = insert(Draft).values(row)
    connection.execute(new.on_conflict_do_update(index_elements=KEY, set_=instead, where=where))


def list_drafts(session: Session, *, desk_id: str, agent: str) -> Sequence[KeptDraft]:
    """All unsent drafts of this person, oldest first, without those of erased conversations."""
    of, waiting = aliased(Turn), aliased(Turn)
    waits_there = (col(waiting.conversation_id) == Draft.conversation_id) & (col(waiting.state) == "waiting")
    query = (
        select(Draft, Message.text, waiting.id)
        .join(Conversation, col(Conversation.id) == Draft.conversation_id)
        .outerjoin(of, col(of.id) == Draft.turn_id)
        .outerjoin(Message, col(Message.id) == of.message_id)
        .outerjoin(waiting, waits_there)
        .where(
            Draft.desk_id == desk_id,
            Draft.agent == agent,
            col(Draft.stands),
            col(Conversation.erased_at).is_(None),
        )
        .order_by(col(Draft.updated_at), col(Draft.conversation_id), col(Draft.aside_id))
    )
    return [KeptDraft(draft, asked, turn_id) for draft, asked, turn_id in session.exec(query)]
