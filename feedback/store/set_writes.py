"""Queries for sets while they are prepared: what a turn needs, who prepares its set, and the result.

A set is written as `preparing` under a lease before the engine is asked, so that whoever finds the lease run
out takes it over; the writes below are conditional on the owner, and the loser of a race writes nothing.
Reading of finished sets is in `feedback/store/sets.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy
from sqlmodel import Session, SQLModel, col, select

from feedback.lease import Lease, lease_of
from feedback.store.changes import note_change, turn_topic
from feedback.store.derived_records import renew_set
from feedback.store.desks import find_system_prompt
from feedback.store.engine import columns_of, save_row
from feedback.store.queue_filters import EVERYTHING, QueueFilter
from feedback.store.tables import Candidate, Desk, Message, SuggestionSet, Turn
from feedback.store.turns import waits_after

Row = TypeVar("Row", bound=SQLModel)

PREPARING = "preparing"
# The state of a set when its turn, in this state, needs no suggestion any more.
OVERTAKEN = {"answered": "bypassed", "superseded": "superseded", "closed": "superseded"}
PLAN_FIELDS = (
    *("design", "adapter", "slot_seed", "resampled_arm", "messages", "left_out", "chat_template_kwargs"),
    *("template_hash", "system_prompt_hash", "knowledge_hash", "base_id", "sampling", "requests"),
    *("lease_owner", "lease_until"),
)


@dataclass(frozen=True)
class TurnContext:
    """A turn and the content of its prompt: the messages up to it as `{"role", "text"}`, oldest first."""

    turn_id: str
    desk_id: str
    conversation_id: str
    attempt: int
    system_prompt: str
    history: list[dict[str, str]] = field(default_factory=list)
    knowledge: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class SetProgress:
    """The progress of a turn's set; `state` is None while it has no row."""

    turn_id: str
    turn_state: str
    state: str | None
    lease: Lease

    @property
    def is_settled(self) -> bool:
        return self.state is not None and self.state != PREPARING


def read_turn(session: Session, *, turn_id: str) -> TurnContext | None:
    """The turn with the content of its prompt; None if it is unknown or no longer waits."""
    turn = session.get(Turn, turn_id)
    if turn is None or turn.state != "waiting":
        return None
    asked = session.get_one(Message, turn.message_id)
    rows = session.exec(
        select(Message.role, Message.text)
        .where(
            Message.conversation_id == turn.conversation_id,
            Message.position <= asked.position,
            col(Message.retracted_at).is_(None),
            col(Message.text).is_not(None),
        )
        .order_by(col(Message.position))
    ).all()
    prompt = find_system_prompt(session, desk_id=turn.desk_id)
    return TurnContext(
        turn_id=turn.id,
        desk_id=turn.desk_id,
        conversation_id=turn.conversation_id,
        attempt=turn.attempt,
        system_prompt=prompt.text if prompt else "",
        history=[{"role": role, "text": text} for role, text in rows if text is not None],
        knowledge=asked.knowledge or [],
    )


def find_progress(session: Session, *, key: str) -> SetProgress | None:
    """The progress of a set, by the id of the set or of its turn; None if there is no such id."""
    for is_named in (col(Turn.id) == key, col(SuggestionSet.id) == key):
        row = session.execute(_progress().where(is_named)).first()
        if row is not None:
            return _read_progress(row)
    return None


def open_set(
    session: Session, *, planned: SuggestionSet, replaces: SetProgress | None
) -> SuggestionSet | None:
    """The row that `planned.lease_owner` may prepare; None if the turn or its set is taken care of.

    `replaces` is a preparation found abandoned: its row is taken over, if it still is as found.
    """
    turn = _lock(session, Turn, planned.turn_id)
    found = _lock_set_of(session, planned.turn_id)
    if turn is None or turn.state != "waiting":
        return None
    if found is None:
        return save_row(session, planned)
    if not _is_as_found(found, replaces):
        return None
    for name in PLAN_FIELDS:
        setattr(found, name, getattr(planned, name))
    return save_row(session, found)


def close_overtaken(session: Session, *, found: SetProgress) -> None:
    """Ends an abandoned preparation whose turn no longer needs the set."""
    turn = _lock(session, Turn, found.turn_id)
    row = _lock_set_of(session, found.turn_id)
    if turn is not None and row is not None and turn.state in OVERTAKEN and _is_as_found(row, found):
        _close(session, row, OVERTAKEN[turn.state])


def settle_set(
    session: Session,
    *,
    set_id: str,
    turn_id: str,
    owner: str,
    now: datetime,
    candidates: Iterable[Candidate],
    outcome: dict[str, Any],
    error: str | None,
    is_awaited: bool,
) -> str | None:
    """Writes what was generated and ends the preparation; the new state, None if another owner has the set.

    If the turn was answered or overtaken meanwhile, the set is `bypassed` or `superseded` and its candidates
    stay out of sight. `outcome` holds the fields that only the generation could tell, such as prompt tokens.
    """
    turn = _lock(session, Turn, turn_id)
    row = _lock(session, SuggestionSet, set_id)
    if row is None or turn is None or row.lease_owner != owner:
        return None
    for name, value in outcome.items():
        setattr(row, name, value)
    row.error, row.prepared_at = error, now
    session.add_all(candidates)
    state = "failed" if error else "ready"
    if row.state == PREPARING:
        row.state = OVERTAKEN.get(turn.state, state)
        row.revealed_at = now if is_awaited and row.state == "ready" else None
    _close(session, row, row.state)
    renew_set(session, set_id=row.id)
    return row.state


def list_next(
    session: Session, *, desk_id: str, after: str | None, limit: int, only: QueueFilter = EVERYTHING
) -> list[SetProgress]:
    """The sets of the next turns in a page of the queue, without turns that an agent has claimed."""
    query = _progress().where(
        col(Turn.desk_id) == desk_id,
        col(Turn.state) == "waiting",
        col(Turn.claimed_by).is_(None),
        *waits_after(session, desk_id=desk_id, turn_id=after),
        *only.list_conditions(session, desk_id=desk_id),
    )
    rows = session.execute(query.order_by(col(Turn.created_at), col(Turn.id)).limit(limit)).all()
    return [_read_progress(row) for row in rows]


def list_overtaken(session: Session) -> list[SetProgress]:
    """Sets that are still being prepared although their turn no longer waits."""
    desks = sqlalchemy.select(col(Desk.id))
    query = _progress().where(
        col(SuggestionSet.desk_id).in_(desks),
        col(SuggestionSet.state) == PREPARING,
        col(Turn.state) != "waiting",
    )
    return [_read_progress(row) for row in session.execute(query).all()]


def count_in_flight(session: Session, *, adapter: str, now: datetime) -> int:
    """The number of sets that may still ask for this adapter, which is unloaded only at 0."""
    query = select(SuggestionSet.requests).where(
        SuggestionSet.state == PREPARING, col(SuggestionSet.lease_until) > now
    )
    in_flight = session.exec(query).all()
    return sum(any(request["adapter"] == adapter for request in requests) for requests in in_flight)


def _progress() -> Any:
    told = *columns_of(Turn, "id state"), *columns_of(SuggestionSet, "state lease_owner lease_until")
    return sqlalchemy.select(*told).outerjoin(SuggestionSet, col(SuggestionSet.turn_id) == Turn.id)


def _read_progress(row: Any) -> SetProgress:
    turn_id, turn_state, state, owner, until = row
    return SetProgress(turn_id, turn_state, state, Lease(owner, until))


def _lock(session: Session, table: type[Row], id: str) -> Row | None:
    """The current row, locked until the transaction ends (PostgreSQL; SQLite has one writer anyway)."""
    return session.get(table, id, with_for_update={"key_share": True}, populate_existing=True)


def _lock_set_of(session: Session, turn_id: str) -> SuggestionSet | None:
    query = select(SuggestionSet).where(SuggestionSet.turn_id == turn_id).with_for_update(key_share=True)
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()


def _is_as_found(row: SuggestionSet, found: SetProgress | None) -> bool:
    return found is not None and row.state == PREPARING and lease_of(row) == found.lease


def _close(session: Session, row: SuggestionSet, state: str) -> None:
    row.state = state
    Lease().write_to(row)
    save_row(session, row)
    note_change(session, turn_topic(row.turn_id))
