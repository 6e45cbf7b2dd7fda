"""The items in which rewritten texts are checked, one a label, in one task for each task of rewrites.
Keyword-only, session first, no commit.
"""

from collections.abc import Iterable

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from feedback.store.items import OF_LABEL, get_item
from feedback.store.tables import Item, Label, Task
from feedback.store.tasks import TASK_ADDED, keep_task_change, name_text_checks

TEXTS_AN_ITEM = 10_000  # labels of one item, taken back or not, with places of their own among the checks


def ensure_check_task(session: Session, *, task: Task) -> Task:
    """The task that checks texts, by its name for the task of rewrites; two who write at once make one."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    new = insert(Task).on_conflict_do_nothing(index_elements=["id"])
    if session.connection().execute(new, [task.model_dump()]).rowcount:
        keep_task_change(session, task, TASK_ADDED, actor=task.created_by, reason="", now=task.created_at)
    return session.get_one(Task, task.id)


def find_check_task(session: Session, *, task_id: str) -> Task | None:
    """The task that checks the texts of this task of rewrites; None before the first text."""
    return session.get(Task, name_text_checks(task_id))


def list_text_checks(session: Session, *, task_id: str, item_id: str) -> dict[str, Item]:
    """The checks of the texts that were written for an item of this task, by the label that has the text."""
    query = select(Item).join(Label, col(Label.id) == col(Item.subject_id))
    query = query.where(
        col(Item.task_id) == name_text_checks(task_id),
        col(Item.subject_kind) == OF_LABEL,
        col(Label.item_id) == item_id,
    )
    found = session.exec(query.execution_options(populate_existing=True))
    return {item.subject_id: item for item in found}


def find_place(item: Item, checks: Iterable[Item]) -> int:
    """Where the check of an item's next text stands in its task: in the order of the items, behind those that
    the item has.
    """
    return max((check.position for check in checks), default=item.position * TEXTS_AN_ITEM) + 1


def hold_item(session: Session, *, item: Item) -> Item:
    """The item read afresh and held until the transaction ends. The check of a text is held after the item
    that the text is for, since what one comes to changes the other.
    """
    if item.subject_kind == OF_LABEL:
        written = session.get_one(Label, item.subject_id)
        get_item(session, desk_id=item.desk_id, item_id=written.item_id, lock=True)
    return get_item(session, desk_id=item.desk_id, item_id=item.id, lock=True)
