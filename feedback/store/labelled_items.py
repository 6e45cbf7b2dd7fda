"""Reads items with the labels that count, for the derivation of records. The rules are in
`feedback/records/from_label.py`.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from feedback.records.from_label import FORM_OF, TAG, ItemLabel, LabelledItem
from feedback.records.item_states import SETTLED
from feedback.records.personal import list_known
from feedback.store.conversations import CONVERSATION_COLUMNS
from feedback.store.engine import columns_of, of_desk
from feedback.store.helper_labels import SETTLED_BY
from feedback.store.tables import Conversation, Item, Label, Record, Reliability, Task

RECORD = "record"  # subject_kind of an item that shows an imported record; its subject_id is the row's id
TEMPLATE_KEY = "chat_template_kwargs"  # among what is hidden of an item
ADJUDICATION, HELPER = "others", "helper"  # what a label's giver had seen

ITEM_KEYS = columns_of(Item, "id desk_id")
ITEM_COLUMNS = columns_of(
    Item,
    "id conversation state reason shown hidden outcome settled_at created_at language settled_by confidence",
)
SUBJECT_COLUMNS = columns_of(Item, "subject_kind subject_id")
LABEL_COLUMNS = columns_of(Label, "item_id labeller value text dwell_ms reasons seen")


def has_record_kind() -> ColumnElement[bool]:
    """The query condition for an item of a task of whose outcomes records are made."""
    made = select(col(Task.id)).where(col(Task.kind).in_(FORM_OF))
    return col(Item.task_id).in_(made)


def read_labelled(session: Session, *, item_ids: Sequence[str]) -> list[LabelledItem]:
    """These items, of tasks of whose outcomes records are made, by id: one page at most."""
    query = (
        select(col(Task.kind), *SUBJECT_COLUMNS, *CONVERSATION_COLUMNS, *ITEM_COLUMNS)
        .join(Task, col(Task.id) == col(Item.task_id))
        .outerjoin(Conversation, col(Conversation.id) == col(Item.conversation_id))
        .where(col(Item.id).in_(item_ids), col(Task.kind).in_(FORM_OF))
        .order_by(col(Item.id))
    )
    rows = session.execute(query).all()
    tags_of = read_tags_of_records(session, [row.subject_id for row in rows if row.subject_kind == RECORD])
    labels_of = read_labels(session, [row.id for row in rows])
    items = []
    for kind, subject_kind, subject_id, spoken, tags, customer_id, details, *of_item in rows:
        id, conversation, state, reason, shown, hidden, outcome, settled_at, created_at, *more = of_item
        language, settled_by, confidence = more
        items.append(
            LabelledItem(
                id=id,
                kind=kind,
                conversation=conversation,
                state=state,
                reason=reason,
                shown=shown,
                outcome=outcome,
                at=settled_at or created_at,
                language=language or spoken,
                tags=tuple(tags_of.get(subject_id, ()) if subject_kind == RECORD else tags or ()),
                labels=labels_of.get(id, ()),
                chat_template_kwargs=hidden.get(TEMPLATE_KEY) or {},
                known=tuple(list_known(customer_id, details or ())),
                helper_agreed=confidence if settled_by == SETTLED_BY else None,
            )
        )
    return items


def read_tags_of_records(session: Session, subject_ids: Sequence[str]) -> dict[str, list[str]]:
    query = select(col(Record.id), col(Record.tags)).where(
        col(Record.id).in_([int(id) for id in subject_ids])
    )
    return {str(id): tags for id, tags in session.execute(query)} if subject_ids else {}


def read_labels(session: Session, item_ids: Sequence[str]) -> dict[str, list[ItemLabel]]:
    """The labels of each item that were not taken back, in the order given, with what is known of who gave
    them in this kind of task. What a helper's answer was shown for is none.
    """
    undo: Any = aliased(Label)
    known = (
        (col(Reliability.desk_id) == col(Label.desk_id))
        & (col(Reliability.labeller) == col(Label.labeller))
        & (col(Reliability.kind) == col(Task.kind))
    )
    query = (
        select(*LABEL_COLUMNS, *columns_of(Reliability, "accuracy items"))
        .join(Task, col(Task.id) == col(Label.task_id))
        .outerjoin(Reliability, known)
        .where(col(Label.item_id).in_(item_ids), col(Label.value).is_not(None), col(Label.seen) != HELPER)
        .where(~select(undo.id).where(undo.undoes == col(Label.id)).exists())
        .order_by(col(Label.created_at), col(Label.id))
    )
    found: dict[str, list[ItemLabel]] = defaultdict(list)
    for item_id, labeller, value, text, dwell_ms, reasons, seen, accuracy, labels in session.execute(query):
        found[item_id].append(
            ItemLabel(
                labeller,
                value,
                text,
                dwell_ms,
                reasons,
                saw_others=seen == ADJUDICATION,
                accuracy=accuracy,
                labels=labels or 0,
            )
        )
    return found


def shows_same(item: Item) -> ColumnElement[bool]:
    """The query condition for an item that shows what this one shows: a record, or a conversation."""
    if item.subject_kind == RECORD:
        return and_(col(Item.subject_kind) == RECORD, col(Item.subject_id) == item.subject_id)
    return and_(col(Item.subject_kind) != RECORD, col(Item.conversation_id) == item.conversation_id)


def list_tag_items(session: Session, *, item: Item) -> Sequence[Item]:
    """The other settled items of tag tasks that show what this one shows."""
    query = (
        of_desk(Item, item.desk_id)
        .join(Task, col(Task.id) == col(Item.task_id))
        .where(shows_same(item), col(Item.id) != item.id, col(Task.kind) == TAG, col(Item.state) == SETTLED)
        .order_by(col(Item.settled_at), col(Item.id))
    )
    return session.exec(query).all()
