"""Claims of labellers on items. The unique keys of the table hold whatever races; whoever writes a claim
holds its item first, so that slots are given one after the other. Keyword-only, session first, no commit.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session, col, func

from feedback.store.engine import save_row
from feedback.store.items import is_claim_live, is_for
from feedback.store.tables import Assignment, Item

CLAIMED, DONE, PASSED, LAPSED = "claimed", "done", "passed", "lapsed"


def find_assignment(session: Session, *, item_id: str, labeller: str) -> Assignment | None:
    """What this labeller has of an item, in whatever state."""
    query = select(Assignment).where(col(Assignment.item_id) == item_id, col(Assignment.labeller) == labeller)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def find_own_claim(session: Session, *, task_id: str, labeller: str, tier: int) -> Assignment | None:
    """The first claim that this labeller may go on with: its item still waits for people of their tier, or is
    gold. One that they took back comes before the one that they took after it.
    """
    query = (
        select(Assignment)
        .join(Item, col(Item.id) == col(Assignment.item_id))
        .where(col(Assignment.task_id) == task_id, col(Assignment.labeller) == labeller)
        .where(col(Assignment.state) == CLAIMED, is_for(tier))
        .order_by(col(Item.position))
    )
    return session.scalars(query.limit(1)).first()


def list_of_item(session: Session, *, item_id: str) -> Sequence[Assignment]:
    query = select(Assignment).where(col(Assignment.item_id) == item_id)
    return session.scalars(query.execution_options(populate_existing=True)).all()


def lapse_claims(session: Session, *, item_id: str, now: datetime, term: timedelta) -> None:
    """Takes their slots from those whose time on this item is over. Their drafts stay."""
    over = update(Assignment).where(
        col(Assignment.item_id) == item_id, col(Assignment.state) == CLAIMED, ~is_claim_live(now, term)
    )
    lapsed = over.values(state=LAPSED, slot=None, lease_until=None)
    session.execute(lapsed.execution_options(synchronize_session=False))


def claim(
    session: Session, *, item: Item, labeller: str, slot: int | None, until: datetime, now: datetime
) -> Assignment:
    """Gives an item to a labeller; a claim of theirs that lapsed runs anew from now, with its draft."""
    row = find_assignment(session, item_id=item.id, labeller=labeller)
    if row is None:
        row = Assignment(
            desk_id=item.desk_id, task_id=item.task_id, item_id=item.id, labeller=labeller, created_at=now
        )
    row.state, row.slot, row.lease_until, row.created_at = CLAIMED, slot, until, now
    return save_row(session, row)


def count_given_items(session: Session, *, task_id: str, labeller: str) -> dict[str, int]:
    """How many items this labeller got in a task, by the state of their claim."""
    query = (
        select(col(Assignment.state), func.count())
        .where(col(Assignment.task_id) == task_id, col(Assignment.labeller) == labeller)
        .group_by(col(Assignment.state))
    )
    rows: Any = session.execute(query).all()
    return {state: count for state, count in rows}


def count_labelled(session: Session, *, item_id: str) -> int:
    """How many people have labelled an item."""
    query = select(func.count()).where(col(Assignment.item_id) == item_id, col(Assignment.state) == DONE)
    count: int = session.execute(query).scalar_one()
    return count


def count_done(session: Session, *, task_ids: Sequence[str], labeller: str) -> dict[str, int]:
    """How many items of each task this labeller has labelled."""
    query = (
        select(col(Assignment.task_id), func.count())
        .where(col(Assignment.task_id).in_(task_ids), col(Assignment.labeller) == labeller)
        .where(col(Assignment.state) == DONE)
        .group_by(col(Assignment.task_id))
    )
    rows: Any = session.execute(query).all()
    return dict.fromkeys(task_ids, 0) | {task_id: count for task_id, count in rows}
