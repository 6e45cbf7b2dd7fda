"""Tells a waiting customer how many people are at the desk, how many are before them, and since when.

Only counts and times are read, no names of agents and nothing of other customers. Many pages ask, so the
statement is built once and reads indexes.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, func, or_, select

from feedback.store.presence import count_present
from feedback.store.tables import Message, Turn

ENDED = ("answered", "closed")


@dataclass(frozen=True)
class QueuePosition:
    present: int
    waiting_before: int | None  # None where nothing of this conversation waits
    waiting_since: datetime | None


def find_queue_position(
    session: Session, *, desk_id: str, conversation_id: str, now: datetime
) -> QueuePosition:
    present = count_present(session, desk_id=desk_id, now=now)
    asked = {"desk_id": desk_id, "conversation_id": conversation_id}
    found = session.connection().execute(_POSITION, asked).one_or_none()
    return QueuePosition(present, None, None) if found is None else QueuePosition(present, *found)


_own, _before, _earlier = aliased(Turn), aliased(Turn), aliased(Turn)
_at, _position = col(_before.created_at), col(Message.position)

# Turns that stand before this one in the queue.
_COUNT_BEFORE = (
    select(func.count(col(_before.id)))
    .where(
        _before.desk_id == _own.desk_id,
        _before.state == "waiting",
        or_(_at < _own.created_at, and_(_at == _own.created_at, col(_before.id) < _own.id)),
    )
    .correlate(_own)
    .scalar_subquery()
)
_LAST_ENDED = (
    select(func.max(_position))
    .join(_earlier, col(_earlier.message_id) == Message.id)
    .where(_earlier.conversation_id == _own.conversation_id, col(_earlier.state).in_(ENDED))
    .correlate(_own)
    .scalar_subquery()
)
# When the first message was written that nobody has answered or closed since: a customer who writes again has
# waited from there on.
_SINCE = (
    select(Message.created_at)
    .join(_earlier, col(_earlier.message_id) == Message.id)
    .where(_earlier.conversation_id == _own.conversation_id, _position > func.coalesce(_LAST_ENDED, -1))
    .order_by(_position)
    .limit(1)
    .correlate(_own)
    .scalar_subquery()
)
_POSITION = select(_COUNT_BEFORE, _SINCE).where(
    _own.desk_id == bindparam("desk_id"),
    _own.conversation_id == bindparam("conversation_id"),
    _own.state == "waiting",
)
