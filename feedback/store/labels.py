"""Labels and taking them back. Append-only: the last row of a labeller on an item counts. No commit."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, null, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from feedback.errors import Conflict
from feedback.store.engine import get_row, save_row
from feedback.store.tables import Label

BLIND, OTHERS, HELPER = "blind", "others", "helper"  # what a labeller had seen
_SAID = select(func.count()).where(
    col(Label.item_id) == bindparam("item_id"),
    col(Label.labeller) == bindparam("labeller"),
    col(Label.undoes).is_(None),
)


class LabelUndone(Conflict):
    def __init__(self, label_id: str) -> None:
        super().__init__(
            "label_undone",
            f"Label {label_id} was taken back already, or is no label.",
            "Label the item again.",
        )


class ItemLabelled(Conflict):
    def __init__(self, item_id: str) -> None:
        super().__init__(
            "item_labelled",
            f"You have labelled item {item_id} already.",
            "Take your label back first, or go on with the next item.",
        )


def get_label(session: Session, *, desk_id: str, label_id: str) -> Label:
    """The row of a label. Raises NotFound."""
    return get_row(session, Label, label_id, desk_id=desk_id, what="label")


def add_label(session: Session, *, label: Label) -> Label:
    """Adds a label, numbered after the labeller's earlier ones of this item."""
    said = session.execute(_SAID, {"item_id": label.item_id, "labeller": label.labeller})
    label.attempt = said.scalar_one() + 1
    return save_row(session, label)


def add_undo(session: Session, *, label: Label, now: datetime) -> Label:
    """Takes a label back. Raises LabelUndone."""
    undone = select(col(Label.id)).where(col(Label.undoes) == label.id)
    if label.undoes is not None or session.execute(undone).first() is not None:
        raise LabelUndone(label.id)
    kept = {name: getattr(label, name) for name in ("desk_id", "task_id", "item_id", "labeller", "role")}
    row = Label(
        **kept, guideline_version=label.guideline_version, undoes=label.id, occurred_at=now, created_at=now
    )
    return save_row(session, row)


def list_active_labels(session: Session, *, item_ids: Sequence[str]) -> list[Label]:
    """The labels of these items that were not taken back, in the order in which they came."""
    return list(session.scalars(_select_of_items(), {"item_ids": list(item_ids)}))


@cache
def _select_of_items() -> Any:
    return select_active_labels().where(col(Label.item_id).in_(bindparam("item_ids", expanding=True)))


@cache
def select_active_labels() -> Any:
    """The query for labels that were not taken back and have a value: erased ones have none."""
    undo = aliased(Label)
    return (
        select(Label)
        .outerjoin(undo, col(undo.undoes) == col(Label.id))
        .where(col(undo.id).is_(None), col(Label.undoes).is_(None), col(Label.value).is_not(null()))
        .order_by(col(Label.created_at), col(Label.id))
    )


def has_label(session: Session, *, item_id: str, labeller: str) -> bool:
    """Whether a labeller has a label of this item that was not taken back."""
    query = select_active_labels().where(col(Label.item_id) == item_id, col(Label.labeller) == labeller)
    return session.scalars(query.limit(1)).first() is not None


def count_labels(session: Session, *, task_ids: Sequence[str]) -> dict[str, int]:
    """How many labels of each task stand."""
    found = select_active_labels().where(col(Label.task_id).in_(task_ids)).order_by(None).subquery()
    rows: Any = session.execute(select(found.c.task_id, func.count()).group_by(found.c.task_id)).all()
    return dict.fromkeys(task_ids, 0) | {task_id: count for task_id, count in rows}
