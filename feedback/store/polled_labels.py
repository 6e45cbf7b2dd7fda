"""Labels beside what is known of their items, in all tasks of a kind: what accuracies are estimated from.
Keyword-only, session first, no commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, case, func, null, select
from sqlmodel import Session, col

from feedback.records.item_states import DROPPED, SETTLED
from feedback.store.labels import BLIND, select_active_labels
from feedback.store.reliabilities import BEGINNING
from feedback.store.tables import Item, Label, Task
from feedback.store.tasks import CLOSED

EXPERTS = 2  # the tier whose word on a dispute counts as known


@dataclass(frozen=True)
class PolledLabel:
    """`known` is the value that is right, where one is: of gold, and of what experts have decided."""

    task_id: str
    item_id: str
    labeller: str
    value: dict[str, Any]
    created_at: datetime
    known: dict[str, Any] | None


def list_polled(
    session: Session, *, desk_id: str, kind: str, item_ids: Sequence[str] | None = None
) -> list[PolledLabel]:
    """The labels of a kind of task that were given without seeing others', of all items or of these."""
    query = _select()
    if item_ids is not None:
        query = query.where(col(Item.id).in_(item_ids))
    return _read(session, query, {"desk_id": desk_id, "kind": kind})


def list_own(
    session: Session, *, desk_id: str, kind: str, labeller: str, since: datetime | None, limit: int
) -> list[PolledLabel]:
    """The last labels of one labeller in a kind of task, newest first, since a time."""
    query = _select_own().order_by(col(Label.created_at).desc()).limit(limit)
    return _read(session, query, _tell(desk_id, kind, labeller, since))


def count_own(
    session: Session, *, desk_id: str, kind: str, labeller: str, since: datetime | None
) -> tuple[int, int]:
    """How many labels of one labeller stand in a kind of task, and how many of them are of gold."""
    labels, of_gold = session.execute(_count_own(), _tell(desk_id, kind, labeller, since)).one()
    return labels, of_gold


def find_last_labels(session: Session, *, desk_id: str) -> dict[str, datetime]:
    """The kinds of tasks in which there are labels, and when the last one came or was taken back."""
    query = (
        select(col(Task.kind), func.max(col(Label.created_at)))
        .join(Label, col(Label.task_id) == col(Task.id))
        .where(col(Task.desk_id) == desk_id)
        .group_by(col(Task.kind))
    )
    rows: Any = session.execute(query).all()
    return {kind: last for kind, last in rows}


def list_moving_items(
    session: Session, *, desk_id: str, kind: str, labellers: Sequence[str]
) -> Sequence[str]:
    """The items that these labellers labelled or decided in tasks of a kind, without gold."""
    query = _select_any().order_by(None)
    query = query.where(
        col(Label.labeller).in_(labellers), col(Item.gold).is_(null()), col(Task.state) != CLOSED
    )
    found = query.with_only_columns(col(Item.id)).distinct().order_by(col(Item.id))
    return session.scalars(found, {"desk_id": desk_id, "kind": kind}).all()


def find_shown(session: Session, *, task_id: str) -> dict[str, Any]:
    """What the first item of a task shows that still shows something: an erased one has no texts."""
    query = select(col(Item.shown)).where(col(Item.task_id) == task_id, col(Item.state) != DROPPED)
    shown: dict[str, Any] = session.execute(query.order_by(col(Item.position)).limit(1)).scalar_one()
    return shown


@cache
def _select() -> Select[Any]:
    """Those of `desk_id` and `kind` that were given without seeing others'."""
    return _select_any().where(col(Label.seen) == BLIND)


@cache
def _select_any() -> Select[Any]:
    """Not of duels: which of two contenders is better is a matter of taste, and open ones tell nothing."""
    query: Select[Any] = (
        select_active_labels()
        .join(Item, col(Item.id) == col(Label.item_id))
        .join(Task, col(Task.id) == col(Label.task_id))
    )
    return query.where(
        col(Label.desk_id) == bindparam("desk_id"),
        col(Task.kind) == bindparam("kind"),
        col(Item.state) != DROPPED,
        col(Task.selection)["duel"].as_string().is_(None),
    )


@cache
def _select_own() -> Select[Any]:
    """Those of `labeller` after `since`, in no order."""
    own = col(Label.labeller) == bindparam("labeller"), col(Label.created_at) > bindparam("since")
    return _select().where(*own).order_by(None)


@cache
def _count_own() -> Any:
    gold = func.count(case((col(Item.gold).is_not(null()), 1)))
    return _select_own().with_only_columns(func.count(), gold)


def _tell(desk_id: str, kind: str, labeller: str, since: datetime | None) -> dict[str, Any]:
    return {"desk_id": desk_id, "kind": kind, "labeller": labeller, "since": since or BEGINNING}


def _read(session: Session, query: Select[Any], asked: dict[str, Any]) -> list[PolledLabel]:
    of_label = (Label.task_id, Label.item_id, Label.labeller, Label.value, Label.created_at)
    of_item = (Item.gold, Item.outcome, Item.state, Item.tier, Task.tier)
    rows: Any = session.execute(query.with_only_columns(*map(col, (*of_label, *of_item))), asked)
    found = []
    for task_id, item_id, labeller, value, at, gold, outcome, state, tier, task_tier in rows:
        known = outcome if state == SETTLED and tier >= EXPERTS > task_tier else gold
        found.append(PolledLabel(task_id, item_id, labeller, value, at, known))
    return found
