"""Locks and reads everything that a judgement depends on, in two statements, and writes the changes to it.

Judgements are what agents wait for, so this path has plain columns and prepared statements where the rest of
the store has rows of its tables. Locks are taken in the order conversation, turn, set, here and wherever sets
are prepared.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Connection, bindparam, case, exists, func, select, type_coerce, update
from sqlmodel import SQLModel, col

from feedback.errors import NotFound
from feedback.records.from_judgement import ShownReply, ShownSet
from feedback.store.conversations import NewestMessage
from feedback.store.tables import Candidate, Conversation, Message, SuggestionSet, Turn, Unblinding
from feedback.store.turns import TurnSeen


def _table(of: type[SQLModel]) -> Any:
    return of.__table__  # type: ignore[attr-defined]


# The conversation is locked by a statement of its own: what the next one reads is then nobody's to change,
# and it sees all that others wrote while this one waited for the lock.
_LOCK = (
    select(col(Conversation.id))
    .join(_table(SuggestionSet), col(SuggestionSet.conversation_id) == col(Conversation.id))
    .where(col(SuggestionSet.id) == bindparam("set_id"), col(SuggestionSet.desk_id) == bindparam("desk_id"))
    .with_for_update(of=_table(Conversation), key_share=True)
)
_NEWEST = (
    select(func.max(col(Message.position)))
    .where(col(Message.conversation_id) == bindparam("conversation_id"))
    .scalar_subquery()
)
_RELEASED = (
    select(func.max(col(Message.release_no)))
    .where(col(Message.conversation_id) == bindparam("conversation_id"))
    .scalar_subquery()
)
_SEEN = exists().where(
    col(Unblinding.set_id) == bindparam("set_id"), col(Unblinding.agent) == bindparam("agent")
)
_TURN = ("id", "state", "attempt", "claimed_by", "claimed_at")
_SET = ("id", "state", "attempt", "error", "prepared_at", "revealed_at")
_LAST = ("position", "created_at")
_SHOWN = ("design", "adapter")
_OFFERED = ("id", "slot", "text", "arm", "adapter", "state")
# The prompt comes once, not with each card.
_PROMPT = type_coerce(
    case((col(Candidate.slot) > 0, None), else_=_table(SuggestionSet).c.messages), JSON(none_as_null=True)
)
_READ = (
    select(
        *(_table(Turn).c[name].label(f"turn_{name}") for name in _TURN),
        *(_table(SuggestionSet).c[name].label(f"set_{name}") for name in _SET),
        *(_table(Message).c[name].label(f"last_{name}") for name in _LAST),
        _RELEASED.label("last_release_no"),
        _SEEN.label("is_unblinded"),
        *(_table(SuggestionSet).c[name].label(f"shown_{name}") for name in _SHOWN),
        col(Conversation.language),
        col(Conversation.tags),
        _PROMPT.label("prompt"),
        *(_table(Candidate).c[name].label(f"candidate_{name}") for name in _OFFERED),
    )
    .select_from(_table(Turn))
    .join(_table(Conversation), col(Conversation.id) == col(Turn.conversation_id))
    .join(_table(SuggestionSet), col(SuggestionSet.turn_id) == col(Turn.id))
    .join(_table(Message), col(Message.conversation_id) == col(Turn.conversation_id))
    .outerjoin(_table(Candidate), col(Candidate.set_id) == col(SuggestionSet.id))
    .where(col(SuggestionSet.id) == bindparam("set_id"), col(Message.position) == _NEWEST)
    .with_for_update(of=(_table(Turn), _table(SuggestionSet)), key_share=True)
)
_CARD = -len(_OFFERED)
_CHANGE: dict[type[SQLModel], Any] = {
    table: update(_table(table)).where(_table(table).c.id == bindparam("of_id"))
    for table in (Message, SuggestionSet, Turn)
}


@dataclass(frozen=True)
class SetSeen:
    id: str
    state: str
    attempt: int
    error: str | None
    prepared_at: datetime | None
    revealed_at: datetime | None

    @property
    def is_shown(self) -> bool:
        return self.state == "ready" and self.revealed_at is not None


@dataclass(frozen=True)
class LockedSet:
    """Everything that a judgement depends on. Its record is derived from `shown`, what was on the screen."""

    desk_id: str
    turn: TurnSeen
    set: SetSeen
    last: NewestMessage
    shown: ShownSet
    is_unblinded: bool  # the agent asked for has seen the arms of this set

    @property
    def conversation_id(self) -> str:
        return self.shown.conversation

    def find_reply(self, candidate_id: str) -> ShownReply | None:
        return next((reply for reply in self.shown.replies if reply.id == candidate_id), None)


def lock_set(connection: Connection, *, desk_id: str, set_id: str, agent: str | None) -> LockedSet:
    """Everything that this agent's judgement of a set depends on, locked until the transaction ends."""
    conversation_id = connection.execute(_LOCK, {"set_id": set_id, "desk_id": desk_id}).scalar()
    if conversation_id is None:
        raise NotFound("set", set_id)
    rows = connection.execute(
        _READ, {"set_id": set_id, "conversation_id": conversation_id, "agent": agent}
    ).all()
    row = rows[0]
    cards = sorted((row[_CARD:] for row in rows if row.candidate_id), key=lambda card: card[1])
    found = SetSeen(*row[5:11])
    shown = ShownSet(
        conversation=conversation_id,
        prompt=next((row.prompt for row in rows if row.prompt is not None), []),
        replies=[ShownReply(*card) for card in cards],
        design=row.shown_design,
        adapter=row.shown_adapter,
        revealed=found.revealed_at is not None,
        language=row.language,
        tags=row.tags,
    )
    is_unblinded = bool(row.is_unblinded)
    return LockedSet(desk_id, TurnSeen(*row[:5]), found, NewestMessage(*row[11:14]), shown, is_unblinded)


def change(connection: Connection, table: type[SQLModel], id: str, **values: Any) -> None:
    """Writes columns of one locked message, set or turn."""
    connection.execute(_CHANGE[table], {"of_id": id, **values})
