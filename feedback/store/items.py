"""Items of tasks: reading, counting, and which of them may be handed to a labeller. No commit.

An item whose answer is known (gold) is handed out beside all others, takes no slot, and is never settled.
Keyword-only, session first.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, null, or_, select
from sqlmodel import Session, col, func

from feedback.errors import Conflict
from feedback.store.engine import get_row, of_desk
from feedback.store.tables import Assignment, Item, Label, Task

# Nobody gets a waiting item: it has no replies yet, or what was written for it is being checked.
STATES = WAITING, OPEN, SETTLED, DISPUTED, DROPPED = "waiting", "open", "settled", "disputed", "dropped"
OF_ITEM = "item"  # the subject of a check, or of gold that experts made: an item
OF_LABEL = "label"  # the subject of a check of a text: the label that has it
EXPERTS_AT_ONCE = 2  # on a dispute, before one of them adjudicates
LOOKED_AT = 20  # items in the order of a task, before others' locks and claims are looked at again


class ItemDropped(Conflict):
    def __init__(self, item_id: str, reason: str | None) -> None:
        super().__init__(
            "item_dropped",
            f"Item {item_id} was taken out of its task ({reason or 'no reason'}).",
            "Take the next item.",
        )


def add_items(session: Session, *, items: Iterable[Item]) -> None:
    session.add_all(items)
    session.flush()


def find_last_position(session: Session, *, task_id: str) -> int:
    """The place of a task's last item; 0 without any."""
    last = select(func.max(col(Item.position))).where(col(Item.task_id) == task_id)
    return session.execute(last).scalar_one() or 0


def get_item(session: Session, *, desk_id: str, item_id: str, lock: bool = False) -> Item:
    """The row of an item. Raises NotFound."""
    return get_row(session, Item, item_id, desk_id=desk_id, what="item", lock=lock)


def find_repeated(session: Session, *, task_id: str, item_id: str) -> Item | None:
    """The item of a task that repeats another one of it."""
    query = select(Item).where(
        col(Item.task_id) == task_id, col(Item.subject_kind) == OF_ITEM, col(Item.subject_id) == item_id
    )
    return session.scalars(query).one_or_none()


def count_items(session: Session, *, task_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """The number of items of each task in each state, without gold."""
    counts = {task_id: dict.fromkeys(STATES, 0) for task_id in task_ids}
    query = (
        select(col(Item.task_id), col(Item.state), func.count())
        .where(col(Item.task_id).in_(task_ids), col(Item.gold).is_(null()))
        .group_by(col(Item.task_id), col(Item.state))
    )
    for task_id, state, count in session.execute(query):
        counts[task_id][state] = count
    return counts


def count_left(session: Session, *, task_id: str, labeller: str, tier: int) -> int:
    """How many items this labeller may still get, those that they hold included. Gold is among them, so that
    none can be told by the count.
    """
    query = select(func.count()).where(
        col(Item.task_id) == task_id,
        is_for(tier),
        ~_has(labeller, "done", "passed"),
        ~_knows_subject(labeller),
    )
    left: int = session.execute(query).scalar_one()
    return left


def list_free_items(
    session: Session,
    *,
    task: Task,
    labeller: str,
    tier: int,
    gold: bool,
    now: datetime,
    term: timedelta,
    among: Sequence[str] = (),
    without: Sequence[str] = (),
) -> list[str]:
    """The first items in the task's order that seem free for this labeller, of all or among these: whoever
    claims one looks again once it is locked.
    """
    query = select(col(Item.id)).where(col(Item.task_id) == task.id)
    query = query.where(~_has(labeller, "claimed", "done", "passed"))  # what lapsed may be theirs again
    query = query.where(~_knows_subject(labeller))
    if among:
        query = query.where(col(Item.id).in_(among))
    if gold:
        query = query.where(_is_gold())
    else:
        query = query.where(_is_asked(tier), _has_room(task, now, term))
    if without:
        query = query.where(col(Item.id).not_in(without))
    return list(session.scalars(query.order_by(col(Item.position)).limit(LOOKED_AT)))


def lock_item(session: Session, *, desk_id: str, item_id: str) -> Item | None:
    """The item, held until the transaction ends; None where somebody else holds it just now."""
    query = of_desk(Item, desk_id).where(col(Item.id) == item_id)
    query = query.with_for_update(key_share=True, skip_locked=True)
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()


def is_for(tier: int) -> ColumnElement[bool]:
    """Whether people of this tier may get an item, be it that it waits for labels or that it is gold."""
    return or_(_is_asked(tier), _is_gold())


def _is_gold() -> ColumnElement[bool]:
    return and_(col(Item.gold).is_not(null()), col(Item.state) != DROPPED)


def _is_asked(tier: int) -> ColumnElement[bool]:
    """Whether an item waits for labels by people of this tier or above."""
    waits = col(Item.state).in_((OPEN, DISPUTED)) & (col(Item.tier) <= tier)
    return and_(waits, col(Item.gold).is_(null()))


def _has(labeller: str, *states: str) -> ColumnElement[bool]:
    """Whether the labeller has this item in one of these states."""
    mine = select(1).where(
        col(Assignment.item_id) == col(Item.id),
        col(Assignment.labeller) == labeller,
        col(Assignment.state).in_(states),
    )
    return mine.correlate(Item).exists()


def _knows_subject(labeller: str) -> ColumnElement[bool]:
    """Whether an item repeats or checks another one, which the labeller has labelled themselves, or a text of
    theirs.
    """
    theirs = select(1).where(
        col(Item.subject_kind) == OF_ITEM,
        col(Assignment.item_id) == col(Item.subject_id),
        col(Assignment.labeller) == labeller,
        col(Assignment.state) == "done",
    )
    written = select(1).where(
        col(Item.subject_kind) == OF_LABEL,
        col(Label.id) == col(Item.subject_id),
        col(Label.labeller) == labeller,
    )
    return or_(theirs.correlate(Item).exists(), written.correlate(Item).exists())


def knows_subject(session: Session, *, item_id: str, labeller: str) -> bool:
    """The same of one item."""
    query = select(1).where(col(Item.id) == item_id, _knows_subject(labeller))
    return session.execute(query).first() is not None


def _has_room(task: Task, now: datetime, term: timedelta) -> ColumnElement[bool]:
    """Whether fewer hold the item than may label it at once: until the least overlap all of it, then one
    after the other; of a dispute, two experts and then one.
    """
    lives = is_claim_live(now, term)
    slot, done = col(Assignment.slot), col(Assignment.state) == "done"
    labelled, held = _count(done, slot.is_not(None)), _count(lives, slot.is_not(None))
    asked = case((labelled < task.overlap_min, task.overlap_min - labelled), else_=1)
    has_slot = and_(held < asked, labelled + held < task.overlap_max)
    decided, deciding = _count(done, slot.is_(None)), _count(lives, slot.is_(None))
    wanted = case((decided < EXPERTS_AT_ONCE, EXPERTS_AT_ONCE - decided), else_=1)
    return case((col(Item.state) == OPEN, has_slot), else_=deciding < wanted)


def _count(*which: ColumnElement[bool]) -> Any:
    """The number of such claims on an item."""
    found = select(func.count()).where(col(Assignment.item_id) == col(Item.id), *which)
    return found.correlate(Item).scalar_subquery()


def is_claim_live(now: datetime, term: timedelta) -> ColumnElement[bool]:
    """Whether a claim still runs; one that ends later than any given now is none (`clock.still_runs`)."""
    until = col(Assignment.lease_until)
    return and_(col(Assignment.state) == "claimed", until > now, until <= now + term)
