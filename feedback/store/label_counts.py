"""What the pages about labels count: items by tier and state, labels that stand, what checks came to.

A label stands unless a later row takes it back. Reads only; writes of labels are in `labels.py`.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, exists, null, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func

from feedback.records.item_states import DISPUTED, SETTLED
from feedback.store.check_items import is_drawn
from feedback.store.engine import batched, columns_of, of_desk
from feedback.store.items import OF_ARMS
from feedback.store.tables import Item, Label, Task


class GivenLabel(NamedTuple):
    """A label that stands, with what of its item the figures need."""

    id: str
    task_id: str
    item_id: str
    labeller: str
    value: Mapping[str, Any]
    seen: str
    dwell_ms: int | None
    guideline_version: int
    created_at: datetime
    kind: str  # of its task
    state: str  # of its item
    is_gold: bool


class DwellOnLabel(NamedTuple):
    """Whose a label that stands is, and how long they took."""

    labeller: str
    kind: str
    dwell_ms: int | None
    created_at: datetime


class CheckedItem(NamedTuple):
    """A settled item of a task that checks another one."""

    task_id: str
    inclusion: float
    outcome: Mapping[str, Any]


def stands() -> ColumnElement[bool]:
    later = aliased(Label)
    return and_(col(Label.undoes).is_(None), ~exists().where(later.undoes == Label.id))  # type: ignore[arg-type]


def count_tiers(
    session: Session, *, desk_id: str, task_ids: Collection[str]
) -> dict[str, dict[tuple[int, str], int]]:
    """By task: how many items are in each tier and state, without gold."""
    counts: dict[str, dict[tuple[int, str], int]] = defaultdict(dict)
    for batch in batched(task_ids):
        query = (
            select(*columns_of(Item, "task_id tier state"), func.count())
            .where(col(Item.desk_id) == desk_id, col(Item.task_id).in_(batch), col(Item.gold).is_(null()))
            .group_by(*columns_of(Item, "task_id tier state"))
        )
        for task_id, tier, state, count in session.execute(query):
            counts[task_id][tier, state] = count
    return dict(counts)


def list_given(session: Session, *, desk_id: str, task_id: str) -> list[GivenLabel]:
    """The labels of a task that stand, in the order in which they came."""
    query = (
        select(
            *columns_of(
                Label, "id task_id item_id labeller value seen dwell_ms guideline_version created_at"
            ),
            col(Task.kind),
            col(Item.state),
            col(Item.gold).is_not(null()),
        )
        .join(Task, col(Task.id) == col(Label.task_id))
        .join(Item, col(Item.id) == col(Label.item_id))
        .where(
            col(Label.desk_id) == desk_id,
            col(Label.task_id) == task_id,
            col(Label.value).is_not(null()),
            stands(),
        )
        .order_by(col(Label.created_at), col(Label.id))
    )
    return [GivenLabel(*row) for row in session.execute(query)]


def list_dwells(session: Session, *, desk_id: str) -> list[DwellOnLabel]:
    """Of all labels that stand."""
    query = (
        select(col(Label.labeller), col(Task.kind), col(Label.dwell_ms), col(Label.created_at))
        .join(Task, col(Task.id) == col(Label.task_id))
        .where(col(Label.desk_id) == desk_id, stands())
    )
    return [DwellOnLabel(*row) for row in session.execute(query)]


def count_labels_since(session: Session, *, desk_id: str, task_id: str, since: datetime) -> int:
    query = select(func.count()).where(
        col(Label.desk_id) == desk_id, col(Label.task_id) == task_id, col(Label.created_at) >= since, stands()
    )
    return int(session.execute(query).scalar_one())


def list_labellers(session: Session, *, desk_id: str, task_ids: Collection[str]) -> set[str]:
    """Everybody who has labelled in one of these tasks."""
    query = (
        select(col(Label.labeller))
        .where(col(Label.desk_id) == desk_id, col(Label.task_id).in_(task_ids))
        .distinct()
    )
    return set(session.execute(query).scalars())


def holds_arms(session: Session, *, task_id: str) -> bool:
    """Whether its items compare arms, so that nothing of its labels is told before it is closed."""
    query = select(exists().where(col(Item.task_id) == task_id, col(Item.subject_kind) == OF_ARMS))
    return bool(session.execute(query).scalar_one())


def list_of_arms(session: Session, *, desk_id: str) -> set[str]:
    """The ids of all tasks whose items compare arms."""
    query = (
        select(col(Item.task_id))
        .where(col(Item.desk_id) == desk_id, col(Item.subject_kind) == OF_ARMS)
        .distinct()
    )
    return set(session.execute(query).scalars())


def list_check_tasks(session: Session, *, desk_id: str, task_id: str) -> Sequence[Task]:
    """The tasks that check what was drawn from this one, newest first."""
    query = of_desk(Task, desk_id).where(col(Task.checks_task_id) == task_id, is_drawn())
    return session.exec(query.order_by(col(Task.created_at).desc(), col(Task.id))).all()


def list_checked(session: Session, *, desk_id: str, task_ids: Collection[str]) -> list[CheckedItem]:
    query = select(*columns_of(Item, "task_id inclusion outcome")).where(
        col(Item.desk_id) == desk_id,
        col(Item.task_id).in_(task_ids),
        col(Item.state) == SETTLED,
        col(Item.inclusion).is_not(None),
        col(Item.outcome).is_not(null()),
    )
    return [CheckedItem(*row) for row in session.execute(query)]


def list_disputed(session: Session, *, desk_id: str, task_id: str) -> Sequence[Item]:
    """The disputed items of a task in the order of their positions."""
    query = of_desk(Item, desk_id).where(col(Item.task_id) == task_id, col(Item.state) == DISPUTED)
    return session.exec(query.order_by(col(Item.position))).all()


def list_fed(
    session: Session,
    *,
    desk_id: str,
    before: datetime,
    after: Label | None = None,
    task_id: str | None = None,
    limit: int = 500,
) -> list[tuple[Label, Task, Item]]:
    """Rows of labels for the feed, undo included, oldest first: those after a row and before a time. Those of
    tasks that compare arms have a way out of their own.
    """
    compared = select(col(Item.task_id)).where(col(Item.subject_kind) == OF_ARMS)
    query = (
        select(Label, Task, Item)
        .join(Task, col(Task.id) == col(Label.task_id))
        .join(Item, col(Item.id) == col(Label.item_id))
        .where(
            col(Label.desk_id) == desk_id,
            col(Label.created_at) < before,
            col(Label.task_id).not_in(compared),
        )
        .order_by(col(Label.created_at), col(Label.id))
        .limit(limit)
    )
    if after is not None:
        at = col(Label.created_at)
        query = query.where(
            or_(at > after.created_at, and_(at == after.created_at, col(Label.id) > after.id))
        )
    if task_id is not None:
        query = query.where(col(Label.task_id) == task_id)
    return [(label, task, item) for label, task, item in session.execute(query)]
