"""Turns: the queue of customer messages that wait, and who is answering which.

A conversation has at most one waiting turn. A claim is a courtesy with a time limit that keeps colleagues off
a turn; the first judgement that closes the set wins, whatever the claims say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, update
from sqlmodel import Session, col, select

from feedback.clock import still_runs
from feedback.errors import Conflict
from feedback.store.changes import note_change, turn_topic
from feedback.store.customers import name_customer
from feedback.store.engine import get_row, of_desk, save_row
from feedback.store.tables import Conversation, Message, SuggestionSet, Turn

OPEN_SETS = ("preparing", "ready", "failed")


class TurnClaimed(Conflict):
    def __init__(self, turn_id: str) -> None:
        super().__init__(
            "turn_claimed", f"Another agent is answering turn {turn_id}.", "Take the next one from the queue."
        )


class TurnSuperseded(Conflict):
    def __init__(self, turn_id: str) -> None:
        super().__init__(
            "turn_superseded",
            f"The customer wrote again: turn {turn_id} waits no longer.",
            "Answer the newer turn; keep the draft for it.",
        )


class TurnAnswered(Conflict):
    def __init__(self, turn_id: str, state: str) -> None:
        super().__init__(
            "already_judged", f"Turn {turn_id} is {state} already.", "Keep the draft; take the next turn."
        )


@dataclass(frozen=True)
class TurnSeen:
    """The facts of a turn on which a claim and a judgement depend."""

    id: str
    state: str
    attempt: int
    claimed_by: str | None
    claimed_at: datetime | None


@dataclass(frozen=True)
class Queued:
    """A waiting turn as the queue shows it."""

    turn: Turn
    language: str | None
    tags: list[str]
    customer: str | None  # by what its app knows them
    by_stranger: bool
    text: str | None
    set_state: str | None
    claimed_by: str | None  # None again once the claim has expired


def open_turn(session: Session, *, message: Message, now: datetime, due_at: datetime | None = None) -> Turn:
    """Opens a turn for this customer message. One that still waited is superseded and lends its due time."""
    waited = close_waiting(
        session, conversation_id=message.conversation_id, state="superseded", set_state="superseded", now=now
    )
    turn = Turn(
        desk_id=message.desk_id,
        conversation_id=message.conversation_id,
        message_id=message.id,
        created_at=now,
        due_at=due_at or (waited.due_at if waited is not None else None),
    )
    return save_row(session, turn)


def close_waiting(
    session: Session, *, conversation_id: str, state: str, set_state: str, now: datetime
) -> Turn | None:
    """Ends the waiting turn of a locked conversation, and its set unless judged. None if none waited."""
    query = select(Turn).where(Turn.conversation_id == conversation_id, Turn.state == "waiting")
    turn = session.exec(query.with_for_update(key_share=True)).one_or_none()
    if turn is None:
        return None
    turn.state = state
    turn.answered_at = now if state == "answered" else None
    session.add(turn)
    close_set(session, turn_id=turn.id, state=set_state)
    session.flush()
    note_change(session, turn_topic(turn.id))
    return turn


def close_set(session: Session, *, turn_id: str, state: str) -> None:
    query = select(SuggestionSet).where(SuggestionSet.turn_id == turn_id)
    row = session.exec(query.with_for_update(key_share=True)).one_or_none()
    if row is not None and row.state in OPEN_SETS:
        row.state = state
        session.add(row)


def find_claim(turn: Turn | TurnSeen, *, now: datetime, claim_minutes: float) -> str | None:
    """The agent who holds the turn now; None when nobody does or the claim has expired."""
    if turn.claimed_by is None or turn.claimed_at is None:
        return None
    term = timedelta(minutes=claim_minutes)
    return turn.claimed_by if still_runs(turn.claimed_at + term, now=now, term=term) else None


def check_waiting(turn: Turn | TurnSeen) -> None:
    """Raises the error that a late agent sees if the turn no longer waits."""
    if turn.state == "superseded":
        raise TurnSuperseded(turn.id)
    if turn.state != "waiting":
        raise TurnAnswered(turn.id, turn.state)


def check_claim(turn: Turn | TurnSeen, *, agent: str, now: datetime, claim_minutes: float) -> None:
    if find_claim(turn, now=now, claim_minutes=claim_minutes) not in (None, agent):
        raise TurnClaimed(turn.id)


def claim_turn(
    session: Session,
    *,
    desk_id: str,
    turn_id: str,
    agent: str,
    now: datetime,
    claim_minutes: float,
    take_over: bool = False,
) -> Turn:
    """Claims the turn for this agent for `claim_minutes`; claiming again prolongs it. With `take_over`,
    another agent's claim is replaced before it expires.
    """
    turn = get_row(session, Turn, turn_id, desk_id=desk_id, what="turn", lock=True)
    check_waiting(turn)
    if not take_over:
        check_claim(turn, agent=agent, now=now, claim_minutes=claim_minutes)
    turn.claimed_by, turn.claimed_at = agent, now
    session.add(turn)
    return turn


def prolong_claim(session: Session, *, desk_id: str, turn_id: str, agent: str, now: datetime) -> Turn:
    """Starts the claim's time again if the claim is still this agent's, even if it has expired meanwhile."""
    turn = get_row(session, Turn, turn_id, desk_id=desk_id, what="turn", lock=True)
    if turn.state == "waiting" and turn.claimed_by == agent:
        turn.claimed_at = now
        session.add(turn)
    return turn


def release_turn(session: Session, *, desk_id: str, turn_id: str, agent: str) -> Turn:
    """Gives a turn back to the queue. A turn that this agent has not claimed is left alone."""
    turn = get_row(session, Turn, turn_id, desk_id=desk_id, what="turn", lock=True)
    if turn.claimed_by == agent:
        turn.claimed_by, turn.claimed_at = None, None
        session.add(turn)
    return turn


def release_claims(session: Session, *, desk_id: str, agent: str) -> None:
    """Gives back all turns that this agent has claimed."""
    held = (col(Turn.desk_id) == desk_id) & (col(Turn.state) == "waiting") & (col(Turn.claimed_by) == agent)
    session.connection().execute(update(Turn).where(held).values(claimed_by=None, claimed_at=None))


def list_queue(
    session: Session,
    *,
    desk_id: str,
    now: datetime,
    claim_minutes: float,
    after: str | None = None,
    limit: int = 200,
    conditions: Sequence[ColumnElement[bool]] = (),
) -> Sequence[Queued]:
    """Waiting turns after the turn `after`, oldest first. `conditions` come from `queue_filters`."""
    query = (
        select(  # type: ignore[call-overload]
            Turn,
            Conversation.language,
            Conversation.tags,
            Conversation.customer_id,
            Conversation.customer_details,
            col(Conversation.stranger_hash).is_not(None),
            Message.text,
            SuggestionSet.state,
        )
        .join(Conversation, col(Conversation.id) == Turn.conversation_id)
        .join(Message, col(Message.id) == Turn.message_id)
        .outerjoin(SuggestionSet, col(SuggestionSet.turn_id) == Turn.id)
        .where(Turn.desk_id == desk_id, Turn.state == "waiting")
        .where(*waits_after(session, desk_id=desk_id, turn_id=after), *conditions)
        .order_by(col(Turn.created_at), col(Turn.id))
        .limit(limit)
    )
    return [
        Queued(
            turn,
            language,
            tags,
            name_customer(customer_id, details),
            by_stranger,
            text,
            set_state,
            find_claim(turn, now=now, claim_minutes=claim_minutes),
        )
        for turn, language, tags, customer_id, details, by_stranger, text, set_state in session.exec(query)
    ]


def waits_after(session: Session, *, desk_id: str, turn_id: str | None) -> list[ColumnElement[bool]]:
    """The condition of a page that begins after this turn. Raises NotFound."""
    if turn_id is None:
        return []
    turn = get_row(session, Turn, turn_id, desk_id=desk_id, what="turn")
    at = col(Turn.created_at)
    return [or_(at > turn.created_at, and_(at == turn.created_at, col(Turn.id) > turn.id))]


def find_waiting_turn(session: Session, *, desk_id: str, conversation_id: str) -> Turn | None:
    query = of_desk(Turn, desk_id).where(Turn.conversation_id == conversation_id, Turn.state == "waiting")
    return session.exec(query).one_or_none()
