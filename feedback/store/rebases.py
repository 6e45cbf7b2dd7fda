"""Queries over changes of the base model. A desk has at most one that is not ended.

The states and the moves between them are the table below; any other move raises IllegalRebaseState.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, or_, select

from feedback.errors import Conflict
from feedback.store.engine import of_desk, save_row
from feedback.store.tables import Adapter, Conversation, Dataset, Judgement, Rebase, Record

OPEN, SWITCHING, SWITCHED = "open", "switching", "switched"
RETURNING, RETURNED, CANCELLED = "returning", "returned", "cancelled"
MOVES: dict[str, frozenset[str]] = {
    OPEN: frozenset({SWITCHING, CANCELLED}),
    SWITCHING: frozenset({SWITCHED, CANCELLED}),
    SWITCHED: frozenset({RETURNING}),
    RETURNING: frozenset({RETURNED}),
    RETURNED: frozenset(),
    CANCELLED: frozenset(),
}
UNDER_WAY = (OPEN, SWITCHING, RETURNING)
# Arms of its comparisons: what serves now, the new base alone, and the adapter trained on it.
OLD, NEW_BASE, NEW_TUNED = "old", "new_base", "new_tuned"


class RebaseUnderWay(Conflict):
    def __init__(self, base_model: str, state: str) -> None:
        super().__init__(
            "rebase_under_way",
            f"A rebase to {base_model} is {state}; a desk has one at a time.",
            "See `rejoinder rebase status`; `rejoinder rebase cancel` gives it up.",
        )


class NoRebase(Conflict):
    def __init__(self, wanted: str) -> None:
        super().__init__(
            "no_rebase",
            f"There is no rebase that is {wanted}.",
            "`rejoinder rebase start NEW_BASE` starts one; `rejoinder rebase status` shows the last one.",
        )


class IllegalRebaseState(Conflict):
    def __init__(self, base_model: str, state: str, wanted: str) -> None:
        super().__init__(
            "rebase_state",
            f"The rebase to {base_model} is {state} and cannot become {wanted}.",
            "`rejoinder rebase status` says what comes next.",
        )


@dataclass(frozen=True)
class Holdings:
    """What a desk has when its base changes. `adapters` are those of the old base."""

    conversations: int
    judgements: int
    choices: int  # that prefer something, imports included
    thumbs: int
    datasets: int
    adapters: int


def count_holdings(session: Session, *, desk_id: str, base_id: str) -> Holdings:
    def count(
        table: type[Conversation | Judgement | Record | Dataset | Adapter], *which: ColumnElement[bool]
    ) -> int:
        query = select(func.count()).select_from(table).where(table.desk_id == desk_id, *which)
        return session.exec(query).one()

    is_choice = col(Record.kind) == "choice", col(Record.erased_at).is_(None)
    is_counted = or_(col(Record.origin_kind) == "import", col(Record.settled).is_not(None))
    return Holdings(
        conversations=count(Conversation),
        judgements=count(Judgement),
        choices=count(Record, *is_choice, is_counted),
        thumbs=count(Record, col(Record.kind) == "thumb", col(Record.erased_at).is_(None)),
        datasets=count(Dataset),
        adapters=count(Adapter, col(Adapter.base_id) == base_id),
    )


def add_rebase(session: Session, *, rebase: Rebase) -> Rebase:
    """Adds a rebase. Raises RebaseUnderWay. The caller holds the desk (`deployments.hold_desk`)."""
    found = find_rebase_under_way(session, desk_id=rebase.desk_id)
    if found is not None:
        raise RebaseUnderWay(found.base_model, found.state)
    return save_row(session, rebase)


def find_rebase_under_way(session: Session, *, desk_id: str) -> Rebase | None:
    query = of_desk(Rebase, desk_id).where(col(Rebase.state).in_(UNDER_WAY))
    return session.exec(query.limit(1)).first()


def list_rebases(session: Session, *, desk_id: str, limit: int = 50) -> Sequence[Rebase]:
    """The rebases of a desk, newest first."""
    newest = (col(Rebase.created_at).desc(), col(Rebase.id))
    return session.exec(of_desk(Rebase, desk_id).order_by(*newest).limit(limit)).all()


def get_latest_rebase(session: Session, *, desk_id: str, state: str) -> Rebase:
    """The newest rebase, which must be in this state. Raises NoRebase."""
    found = next(iter(list_rebases(session, desk_id=desk_id, limit=1)), None)
    if found is None or found.state != state:
        raise NoRebase(state)
    return found


def move_rebase(
    session: Session,
    *,
    rebase: Rebase,
    to_state: str,
    actor: str,
    reason: str,
    now: datetime,
    arm: str | None = None,
) -> Rebase:
    """Changes the state. With `arm`, that is what was switched to. Raises IllegalRebaseState."""
    locked = session.get_one(Rebase, rebase.id, with_for_update={"key_share": True}, populate_existing=True)
    if to_state not in MOVES[locked.state]:
        raise IllegalRebaseState(locked.base_model, locked.state, to_state)
    locked.state, locked.actor, locked.reason, locked.changed_at = to_state, actor, reason, now
    if arm is not None:
        locked.arm = arm
    return save_row(session, locked)
