"""What checks of a task read: its settled items, the labels that settled them, and which checks are done.
Keyword-only, session first, no commit.
"""

from sqlalchemy import ColumnElement, and_, null
from sqlmodel import Session, col, func, select

from feedback.records.item_states import DISPUTED, SETTLED
from feedback.records.item_states import OPEN as WAITING
from feedback.store.engine import of_desk
from feedback.store.items import OF_ARMS
from feedback.store.labels import BLIND, select_active_labels
from feedback.store.tables import Item, Label, Task
from feedback.store.tasks import OF_REWRITES, OPEN


def list_settled(session: Session, *, task_id: str) -> list[Item]:
    """The settled items of a task in their order, without gold and comparisons of arms."""
    query = select(Item).where(
        Item.task_id == task_id,
        Item.state == SETTLED,
        Item.subject_kind != OF_ARMS,
        col(Item.gold).is_(null()),
        col(Item.outcome).is_not(null()),
    )
    return list(session.exec(query.order_by(col(Item.position))))


def is_drawn() -> ColumnElement[bool]:
    """The query condition for a task that checks what was drawn from another one: not each of its texts."""
    of_rewrites = col(Task.selection)[OF_REWRITES].as_string()
    return and_(col(Task.checks_task_id).is_not(None), of_rewrites.is_(None))


def list_slotted(session: Session, *, task_id: str) -> list[Label]:
    """The labels of a task that stand and take a place of its overlap."""
    query = select_active_labels().where(
        col(Label.task_id) == task_id, col(Label.slot).is_not(None), col(Label.seen) == BLIND
    )
    return list(session.scalars(query))


def list_finished(session: Session, *, desk_id: str) -> list[str]:
    """The open checks without an item that still waits for labels."""
    waits = select(Item.id).where(Item.task_id == Task.id, col(Item.state).in_((WAITING, DISPUTED)))
    has_items = select(func.count()).where(Item.task_id == Task.id).correlate(Task).scalar_subquery() > 0
    query = of_desk(Task, desk_id).where(
        Task.state == OPEN, is_drawn(), ~waits.correlate(Task).exists(), has_items
    )
    return [task.id for task in session.exec(query.order_by(col(Task.id)))]
