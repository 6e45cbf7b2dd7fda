"""The items that show what a conversation or an imported record says, and taking them from everybody."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlmodel import Session, col

from feedback.store.items import OF_ITEM, OF_LABEL
from feedback.store.labelled_items import RECORD
from feedback.store.tables import Item, Label


def items_of_conversations(ids: Sequence[str]) -> Any:
    return select(col(Item.id)).where(col(Item.conversation_id).in_(ids))


def items_of_records(rows: Sequence[int]) -> Any:
    """The items that show these records, and those that repeat or check one of them, or a text of it."""
    of_records = col(Item.subject_kind) == RECORD, col(Item.subject_id).in_([str(row) for row in rows])
    found = select(col(Item.id)).where(*of_records).cte(recursive=True)
    text = col(Item.subject_kind) == OF_LABEL, col(Item.subject_id) == col(Label.id)
    beside = (
        select(col(Item.id))
        .outerjoin(Label, and_(*text))
        .join(found, or_(_repeats(found.c.id), col(Label.item_id) == found.c.id))
    )
    return select(found.union(beside).c.id)


def _repeats(item_id: Any) -> ColumnElement[bool]:
    return and_(col(Item.subject_kind) == OF_ITEM, col(Item.subject_id) == item_id)


def drop_items(session: Session, items: Any, *, reason: str) -> None:
    """Takes items from everybody; what came of them is counted no more."""
    dropped = update(Item).where(col(Item.id).in_(items)).values(state="dropped", reason=reason)
    session.execute(dropped.execution_options(synchronize_session=False))
