"""Reads one agent's own day: how often they decided what, how fast, and which recent actions can be taken
back.

What was undone is not counted. Reads nothing about arms, adapters or colleagues.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, func, or_, select

from feedback.store.closings import count_closings
from feedback.store.customers import name_customer
from feedback.store.live_judgements import is_judgement, is_live
from feedback.store.tables import Conversation, Judgement, Message, Turn
from feedback.store.two_answers import list_offered

SENDING = ("pick", "edit", "own", "tie")
MOST = 200  # most rows of the last minutes that are read


@dataclass(frozen=True)
class Decisions:
    """Decisions by kind of judgement or reason of closing. A reply by hand counts as an own text."""

    counts: Counter[str]
    dwells_ms: list[int]  # of replies, from the suggestions' reveal


@dataclass(frozen=True)
class Deed:
    """An action that may still be taken back: a reply, or turns that were closed together."""

    kind: str
    at: datetime
    turn_ids: list[str]
    conversation_id: str
    language: str | None
    customer: str | None
    asked: str | None  # the message that was answered or closed
    text: str | None = None
    message_id: str | None = None
    is_held: bool = False
    is_offered: bool = False  # as one of two answers of which the customer has not picked one
    judgement_id: str | None = None
    is_withdrawn: bool = False
    candidate_id: str | None = None


def count_decisions(session: Session, *, desk_id: str, agent: str, since: datetime) -> Decisions:
    judged = select(Judgement.kind, Judgement.dwell_ms).where(
        Judgement.desk_id == desk_id, Judgement.agent == agent, col(Judgement.created_at) >= since, is_live()
    )
    rows = session.exec(judged).all()
    counts = Counter(kind for kind, _ in rows)
    sent_by = select(Judgement.id).where(
        Judgement.turn_id == Message.turn_id, Judgement.message_id == Message.id
    )
    by_hand = select(func.count()).where(
        Message.desk_id == desk_id,
        Message.agent == agent,
        col(Message.created_at) >= since,
        col(Message.retracted_at).is_(None),
        ~sent_by.exists(),
    )
    counts["own"] += session.exec(by_hand).one()
    counts.update(count_closings(session, desk_id=desk_id, since=since, agent=agent))
    return Decisions(+counts, [ms for kind, ms in rows if kind in SENDING and ms is not None])


def list_deeds(session: Session, *, desk_id: str, agent: str, since: datetime) -> list[Deed]:
    """Replies that were not retracted, and closings, newest first. A reply that waits for its customer's pick
    of two is listed however old it is, since only the agent can end that.
    """
    deeds = [
        *_list_replies(session, desk_id=desk_id, agent=agent, since=since),
        *_list_closings(session, desk_id=desk_id, agent=agent, since=since),
    ]
    return sorted(deeds, key=lambda deed: deed.at, reverse=True)


def _list_replies(session: Session, *, desk_id: str, agent: str, since: datetime) -> list[Deed]:
    asked, undo = aliased(Message), aliased(Judgement)
    offered = list_offered(session, desk_id=desk_id)
    is_its = and_(
        col(Judgement.turn_id) == col(Message.turn_id),
        col(Judgement.message_id) == col(Message.id),
        is_judgement(),
    )
    query = (
        select(Message, Conversation, asked.text, Judgement, undo.id)  # type: ignore[call-overload]
        .join(Conversation, col(Conversation.id) == Message.conversation_id)
        .outerjoin(Turn, col(Turn.id) == Message.turn_id)
        .outerjoin(asked, col(asked.id) == Turn.message_id)
        .outerjoin(Judgement, is_its)
        .outerjoin(undo, col(undo.undoes) == col(Judgement.id))
        .where(
            Message.desk_id == desk_id,
            Message.agent == agent,
            or_(col(Message.created_at) >= since, col(Message.id).in_(offered)),
            col(Message.retracted_at).is_(None),
            col(Message.text).is_not(None),
        )
        .order_by(col(Message.created_at).desc())
        .limit(MOST)
    )
    return [
        Deed(
            kind=judgement.kind if judgement else "own",
            at=message.created_at,
            turn_ids=[message.turn_id] if message.turn_id else [],
            conversation_id=message.conversation_id,
            language=conversation.language,
            customer=name_customer(conversation.customer_id, conversation.customer_details),
            asked=words,
            text=message.text,
            message_id=message.id,
            is_held=message.release_no is None,
            is_offered=message.id in offered,
            judgement_id=judgement.id if judgement else None,
            is_withdrawn=undo_id is not None,
            candidate_id=message.candidate_id,
        )
        for message, conversation, words, judgement, undo_id in session.exec(query)
    ]


def _list_closings(session: Session, *, desk_id: str, agent: str, since: datetime) -> list[Deed]:
    """One action for all turns that one call closed, which share the time of that call."""
    query = (
        select(Turn, Conversation, Message.text)
        .join(Conversation, col(Conversation.id) == Turn.conversation_id)
        .join(Message, col(Message.id) == Turn.message_id)
        .where(
            Turn.desk_id == desk_id,
            Turn.closed_by == agent,
            col(Turn.closed_as).is_not(None),
            col(Turn.closed_at) >= since,
            col(Conversation.erased_at).is_(None),
        )
        .order_by(col(Turn.closed_at).desc(), col(Turn.created_at), col(Turn.id))
        .limit(MOST)
    )
    together: dict[tuple[datetime | None, str | None], Deed] = {}
    for turn, conversation, words in session.exec(query):
        assert turn.closed_at is not None and turn.closed_as is not None, "the query asks for both"
        first = together.setdefault(
            (turn.closed_at, turn.closed_as),
            Deed(
                kind=turn.closed_as,
                at=turn.closed_at,
                turn_ids=[],
                conversation_id=turn.conversation_id,
                language=conversation.language,
                customer=name_customer(conversation.customer_id, conversation.customer_details),
                asked=words,
            ),
        )
        first.turn_ids.append(turn.id)
    return list(together.values())
