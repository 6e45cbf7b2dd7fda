"""What an item's outcome becomes, in the transaction that changes it: a record that a dataset takes, or tags
of what was labelled. Also when the outcome goes, because a label was taken back or a check opened the item.

    derive_outcome(session, item=item)     after item.state and item.outcome were written

An item of a check becomes neither. The caller holds the item.
"""

from collections.abc import Collection
from typing import Any

from sqlmodel import Session

from feedback.records.from_label import FORM_OF, TAG
from feedback.records.item_states import SETTLED
from feedback.store.derived_records import renew_conversations, renew_items, write_item_record
from feedback.store.engine import get_row, of_desk, save_row
from feedback.store.labelled_items import RECORD, list_tag_items, shows_same
from feedback.store.tables import Conversation, Item, Record, Task
from feedback.store.tags import read_tag_tree
from feedback.tags.tree import TagTree

ADDED = "added_tags"  # among what is hidden of an item: those that came by it, and go with its outcome


def derive_item_record(session: Session, *, item: Item) -> None:
    """Writes what follows from an item's outcome, or from its end."""
    kind = get_row(session, Task, item.task_id, desk_id=item.desk_id, what="task").kind
    if kind in FORM_OF:
        session.flush()
        write_item_record(session, desk_id=item.desk_id, item_id=item.id)
    elif kind == TAG:
        give_tags(session, item=item)


def give_tags(session: Session, *, item: Item) -> None:
    """Adds the outcome's tags to what was labelled, and takes away those that an earlier outcome added, but
    those that another item's outcome names as well.
    """
    outcome = item.outcome if item.state == SETTLED else None
    wanted = list((outcome or {}).get("tags", ()))
    before = list(item.hidden.get(ADDED, ()))
    session.flush()
    subject = lock_subject(session, item=item)
    if subject is None or not (wanted or before):
        return
    gone = [tag for tag in before if tag not in wanted]
    gone = [tag for tag in gone if not leave_to_another(session, item=item, tag=tag)]
    kept = [tag for tag in subject.tags if tag not in gone]
    added = add_missing(kept, wanted, read_tag_tree(session, desk_id=item.desk_id))
    if (tags := [*kept, *added]) != list(subject.tags):
        subject.tags = tags
        save_row(session, subject)
        renew_records(session, item=item)
    stays = [tag for tag in before if tag in wanted]
    item.hidden = {**item.hidden, ADDED: [*stays, *added]}
    save_row(session, item)


def lock_subject(session: Session, *, item: Item) -> Conversation | Record | None:
    """The imported record or the conversation that an item shows; None where it is erased or gone."""
    query: Any = of_desk(Conversation, item.desk_id).where(Conversation.id == item.conversation_id)
    if item.subject_kind == RECORD:
        query = of_desk(Record, item.desk_id).where(Record.id == int(item.subject_id))
    held = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    row: Conversation | Record | None = session.exec(held).one_or_none()
    return row if row is not None and row.erased_at is None else None


def leave_to_another(session: Session, *, item: Item, tag: str) -> bool:
    """Whether another item's outcome names the tag as well: then it stays, and goes with that outcome."""
    for other in list_tag_items(session, item=item):
        if tag in (other.outcome or {}).get("tags", ()):
            other.hidden = {**other.hidden, ADDED: [*other.hidden.get(ADDED, ()), tag]}
            save_row(session, other)
            return True
    return False


def add_missing(tags: Collection[str], wanted: Collection[str], tree: TagTree) -> list[str]:
    """Those wanted that the tags do not say yet, themselves or by a tag below."""
    has: Any = tree.lift(tags)
    return [tag for tag in wanted if tree.resolve(tag) not in has and tag not in tags]


def renew_records(session: Session, *, item: Item) -> None:
    """Gives the records of what was labelled its tags."""
    if item.subject_kind == RECORD:
        renew_items(session, which=shows_same(item))
    elif item.conversation_id is not None:
        renew_conversations(session, conversation_ids=[item.conversation_id])
