"""Which items show what a source brought that is withdrawn by now: they wait until it is resumed, if ever.
Nothing is stored for it.
"""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from feedback.store.items import OF_ITEM, OF_LABEL
from feedback.store.labelled_items import RECORD
from feedback.store.sources import WITHDRAWN
from feedback.store.tables import Conversation, Item, Label, Record, Source


def is_withheld() -> ColumnElement[bool]:
    """Whether an item shows a conversation or a record of a withdrawn source, or repeats or checks one that
    does, or a text written for it. Asks for no more than that where no source is withdrawn.
    """
    origin, between = aliased(Item), aliased(Item)
    behind = select(1).where(_shows_withdrawn(origin))
    of_item = col(Item.subject_kind) == OF_ITEM
    repeats = behind.where(of_item, col(origin.id) == col(Item.subject_id))
    of_text = behind.where(col(origin.id) == col(Label.item_id))
    checks = of_text.where(col(Item.subject_kind) == OF_LABEL, col(Label.id) == col(Item.subject_id))
    repeats_check = of_text.where(of_item, col(between.id) == col(Item.subject_id)).where(
        col(between.subject_kind) == OF_LABEL, col(Label.id) == col(between.subject_id)
    )
    others = (each.correlate(Item).exists() for each in (repeats, checks, repeats_check))
    is_any_withdrawn = select(1).where(col(Source.state) == WITHDRAWN).exists()
    return and_(is_any_withdrawn, or_(_shows_withdrawn(Item), *others))


def _shows_withdrawn(item: Any) -> ColumnElement[bool]:
    # PostgreSQL may read a number out of a subject before it looks at the kind, unless a case holds it back.
    number = cast(case((item.subject_kind == RECORD, item.subject_id)), BigInteger)
    of_record = _of_withdrawn(Record).where(col(Record.id) == number)
    of_conversation = _of_withdrawn(Conversation).where(col(Conversation.id) == item.conversation_id)
    return or_(*(each.correlate(item).exists() for each in (of_record, of_conversation)))


def _of_withdrawn(table: Any) -> Any:
    of_source = and_(col(Source.desk_id) == table.desk_id, col(Source.name) == table.source)
    return select(1).where(of_source, col(Source.state) == WITHDRAWN)
