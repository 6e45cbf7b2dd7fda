"""Rows of tasks, items and labels for tests, with readable defaults."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from feedback.store.tables import Item, Label, Reliability, Task
from tests.databases import START
from tests.feedback.builders import DESK, add

TEXTS = {
    "messages": [{"role": "user", "content": "Where is my order?"}],
    "a": "It is on its way.",
    "b": "No.",
}
OPENED = START - timedelta(hours=10)


def add_task(session: Session, kind: str = "compare", **fields: Any) -> Task:
    given = {"name": "Replies about orders", "state": "open", "seed": 7, "opened_at": OPENED} | fields
    return add(session, Task(desk_id=DESK, kind=kind, created_by="eva", created_at=OPENED, **given))


def add_item(session: Session, task: Task, position: int, **fields: Any) -> Item:
    given = {
        "subject_kind": "record",
        "subject_id": str(position),
        "conversation": f"c-{position}",
        "shown": TEXTS,
        "tier": 1,
    } | fields
    row = Item(desk_id=DESK, task_id=task.id, position=position, created_at=OPENED, **given)
    return add(session, row)


def add_label(
    session: Session,
    item: Item,
    labeller: str,
    said: Any,
    *,
    at: datetime = START - timedelta(hours=1),
    **fields: Any,
) -> Label:
    """`said` is a side, or a whole value."""
    given = {"role": "agent", "attempt": 1, "guideline_version": 1} | fields
    value = {"side": said} if isinstance(said, str) else said
    row = Label(
        desk_id=DESK,
        task_id=item.task_id,
        item_id=item.id,
        labeller=labeller,
        value=value,
        occurred_at=at,
        created_at=at,
        **given,
    )
    return add(session, row)


def add_undo(session: Session, label: Label, at: datetime = START) -> Label:
    kept = {name: getattr(label, name) for name in ("desk_id", "task_id", "item_id", "labeller", "role")}
    row = Label(**kept, guideline_version=1, undoes=label.id, occurred_at=at, created_at=at)
    return add(session, row)


def add_reliability(session: Session, labeller: str, kind: str = "compare", **fields: Any) -> Reliability:
    given = {"accuracy": 0.8, "low": 0.4, "high": 0.99, "computed_at": START} | fields
    return add(session, Reliability(desk_id=DESK, kind=kind, labeller=labeller, **given))


def add_labelled(session: Session, task: Task, *pairs: str, first: int = 1, **fields: Any) -> list[Item]:
    """Settled items, each with what ann and ben said of it: `ab` is a by ann and b by ben."""
    items = []
    for position, (one, other) in enumerate(pairs, first):
        item = add_item(session, task, position, state="settled", outcome={"side": one}, confidence=0.9)
        add_label(session, item, "ann", one, slot=1, **fields)
        add_label(session, item, "ben", other, slot=2, **fields)
        items.append(item)
    return items
