"""How a customer who waits stands: how many people are at the desk, how many wait before, and since when.

Counts and times alone: names of agents and anything of other customers stay out.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, and_, col, func, or_, select

from feedback.store.presence import count_present
from feedback.store.tables import Message, Turn
from feedback.store.turns import find_waiting_turn

ENDED = ("answered", "closed")


@dataclass(frozen=True)
class Standing:
    present: int
    waiting_before: int | None  # None where nothing of this conversation waits
    waiting_since: datetime | None


def find_standing(session: Session, *, desk_id: str, conversation_id: str, now: datetime) -> Standing:
    present = count_present(session, desk_id=desk_id, now=now)
    turn = find_waiting_turn(session, desk_id=desk_id, conversation_id=conversation_id)
    if turn is None:
        return Standing(present, None, None)
    return Standing(present, count_before(session, turn=turn), find_waiting_since(session, turn=turn))


def count_before(session: Session, *, turn: Turn) -> int:
    """Turns that stand before this one in the queue."""
    at, id = col(Turn.created_at), col(Turn.id)
    query = select(func.count(id)).where(
        Turn.desk_id == turn.desk_id,
        Turn.state == "waiting",
        or_(at < turn.created_at, and_(at == turn.created_at, id < turn.id)),
    )
    return session.exec(query).one()


def find_waiting_since(session: Session, *, turn: Turn) -> datetime:
    """When the first message was written that nobody has answered or closed since: a customer who writes
    again has waited from there on.
    """
    own = Turn.conversation_id == turn.conversation_id
    position = col(Message.position)
    ended = (
        select(func.max(position))
        .join(Turn, col(Turn.message_id) == Message.id)
        .where(own, col(Turn.state).in_(ENDED))
    )
    query = (
        select(Message.created_at)
        .join(Turn, col(Turn.message_id) == Message.id)
        .where(own, position > func.coalesce(ended.scalar_subquery(), -1))
        .order_by(position)
        .limit(1)
    )
    return session.exec(query).one()
