"""Items of tasks: reading and counting. Keyword-only, session first, no commit."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, null, select
from sqlmodel import Session, col

from feedback.errors import Conflict
from feedback.records.item_states import ITEM_STATES
from feedback.store.engine import get_row, of_desk, within
from feedback.store.tables import Item

OF_ITEM = "item"  # the subject of a check, or of gold that experts made: an item
OF_ARMS = "prompt"  # the subject of a round: replies of two arms to one prompt
OF_LABEL = "label"  # the subject of a check of a text: the label that has it


class ItemDropped(Conflict):
    def __init__(self, item_id: str, reason: str | None) -> None:
        super().__init__(
            "item_dropped",
            f"Item {item_id} was taken out of its task ({reason or 'no reason'}).",
            "Take the next item.",
        )


# Every label and every claim asks these: each is made once.
_UNLOCKED = (
    of_desk(Item, bindparam("of_desk"))  # type: ignore[arg-type]
    .where(col(Item.id) == bindparam("item_id"))
    .with_for_update(key_share=True, skip_locked=True)
    .execution_options(populate_existing=True)
)
_REPEATED = select(Item).where(
    col(Item.task_id) == bindparam("task_id"),
    col(Item.subject_kind) == OF_ITEM,
    col(Item.subject_id) == bindparam("item_id"),
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
    return session.scalars(_REPEATED, {"task_id": task_id, "item_id": item_id}).one_or_none()


def count_items(session: Session, *, task_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """The number of items of each task in each state, without gold."""
    counts = {task_id: dict.fromkeys(ITEM_STATES, 0) for task_id in task_ids}
    query = (
        select(col(Item.task_id), col(Item.state), func.count())
        .where(col(Item.task_id).in_(task_ids), col(Item.gold).is_(null()))
        .group_by(col(Item.task_id), col(Item.state))
    )
    for task_id, state, count in session.execute(query):
        counts[task_id][state] = count
    return counts


def count_items_since(session: Session, *, task_id: str, since: datetime) -> int:
    """How many items were added to a task in this time."""
    query = select(func.count()).where(col(Item.task_id) == task_id, *within(col(Item.created_at), since))
    return int(session.scalar(query) or 0)


def lock_item(session: Session, *, desk_id: str, item_id: str) -> Item | None:
    """The item, held until the transaction ends; None where somebody else holds it just now."""
    return session.scalars(_UNLOCKED, {"of_desk": desk_id, "item_id": item_id}).one_or_none()
