"""Claims of labellers on items. The unique keys of the table hold whatever races; whoever writes a claim
holds its item first, so that slots are given one after the other. Keyword-only, session first, no commit.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from feedback.clock import still_runs
from feedback.store.engine import save_row
from feedback.store.free_items import is_for
from feedback.store.tables import Assignment, Item

STATES = CLAIMED, DONE, PASSED, LAPSED = "claimed", "done", "passed", "lapsed"


_OF_ITEM = (
    select(Assignment)
    .where(col(Assignment.item_id) == bindparam("item_id"))
    .execution_options(populate_existing=True)
)
_OF_LABELLER = _OF_ITEM.where(col(Assignment.labeller) == bindparam("labeller"))
_OWN_CLAIM = (
    select(Assignment)
    .join(Item, col(Item.id) == col(Assignment.item_id))
    .where(col(Assignment.task_id) == bindparam("task_id"))
    .where(col(Assignment.labeller) == bindparam("labeller"))
    .where(col(Assignment.state) == CLAIMED, is_for())
    .order_by(col(Item.position))
    .limit(1)
)
_GIVEN: Any = (
    select(col(Assignment.task_id), col(Assignment.state), func.count())
    .where(col(Assignment.task_id).in_(bindparam("task_ids", expanding=True)))
    .where(col(Assignment.labeller) == bindparam("labeller"))
    .group_by(col(Assignment.task_id), col(Assignment.state))
)


def find_assignment(session: Session, *, item_id: str, labeller: str) -> Assignment | None:
    """What this labeller has of an item, in whatever state."""
    return session.scalars(_OF_LABELLER, {"item_id": item_id, "labeller": labeller}).one_or_none()


def find_own_claim(session: Session, *, task_id: str, labeller: str, tier: int) -> Assignment | None:
    """The first claim that this labeller may go on with: its item still waits for people of their tier, or is
    gold. One that they took back comes before the one that they took after it.
    """
    asked = {"task_id": task_id, "labeller": labeller, "tier": tier}
    return session.scalars(_OWN_CLAIM, asked).first()


def list_claims(session: Session, *, item_id: str, now: datetime, term: timedelta) -> Sequence[Assignment]:
    """What everybody has of an item, after those whose time is over lost their slots. Their drafts stay."""
    rows = session.scalars(_OF_ITEM, {"item_id": item_id}).all()
    for row in rows:
        until = row.lease_until
        if row.state == CLAIMED and until is not None and not still_runs(until, now=now, term=term):
            row.state, row.slot, row.lease_until = LAPSED, None, None
    session.flush()  # before somebody else takes such a slot
    return rows


def claim(
    session: Session,
    *,
    item: Item,
    own: Assignment | None,
    labeller: str,
    slot: int | None,
    until: datetime,
    now: datetime,
) -> Assignment:
    """Gives an item to a labeller; a claim of their `own` that lapsed runs anew from now, with its draft."""
    row = own or Assignment(
        desk_id=item.desk_id, task_id=item.task_id, item_id=item.id, labeller=labeller, created_at=now
    )
    row.state, row.slot, row.lease_until, row.created_at = CLAIMED, slot, until, now
    return save_row(session, row)


def count_claims(session: Session, *, task_ids: Sequence[str], labeller: str) -> dict[str, dict[str, int]]:
    """How many items of each task this labeller got, by the state of their claim."""
    counts: dict[str, dict[str, int]] = {task_id: dict.fromkeys(STATES, 0) for task_id in task_ids}
    asked = {"task_ids": list(task_ids), "labeller": labeller}
    for task_id, state, count in session.execute(_GIVEN, asked):
        counts[task_id][state] = count
    return counts
