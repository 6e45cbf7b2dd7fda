"""What a label does in its transaction: its row, its claim, and what its item comes to; and taking it back.

A label for an item that is settled by then, or has no slot left, is kept as late: it counts for no overlap,
and no text is lost. The item is locked first, so that labels of one item follow each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from feedback.errors import Conflict, NotFound
from feedback.labelling import claim
from feedback.labelling.gold_items import renew_item
from feedback.labelling.kinds import CHECK, check_text, check_value
from feedback.labelling.labeller import Labeller
from feedback.labelling.standing import list_counted_labels, was_shown_others
from feedback.labelling.trust import look_at
from feedback.records.item_states import DISPUTED, DROPPED, SETTLED
from feedback.store import assignments, items, labels
from feedback.store.engine import save_row
from feedback.store.tables import Assignment, Item, Label, Task
from feedback.store.tasks import require_labeller, share_open_task
from feedback.store.text_checks import hold_item


class ItemSettled(Conflict):
    def __init__(self, item_id: str) -> None:
        super().__init__(
            "item_settled",
            f"Item {item_id} was settled by others since.",
            "Your label stays; an expert may look at the item again.",
        )


@dataclass(frozen=True)
class SentLabel:
    """What a labeller sends of an item."""

    value: dict[str, Any]
    text: str | None = None
    reasons: Sequence[str] = ()
    dwell_ms: int | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True)
class RecordedLabel:
    """A label, or what took one back, and the task that it is of."""

    label: Label
    task: Task
    late: bool = False


def record_label(
    session: Session, *, desk_id: str, item_id: str, labeller: Labeller, said: SentLabel, now: datetime
) -> RecordedLabel:
    """Records the label of an item that the labeller claimed. Raises NotFound without a claim, ItemLabelled,
    ItemDropped, ValueUnknown, TextTooLong, and what `share_open_task` raises.
    """
    task, item, own = find_own(session, desk_id=desk_id, item_id=item_id, labeller=labeller)
    if own.state == assignments.DONE:
        raise labels.ItemLabelled(item_id)
    value = check_value(task.kind, said.value, question=task.question, shown=item.shown)
    text = check_text(task.kind, value, said.text)
    slot, late = _find_place(session, task=task, item=item, own=own, labeller=labeller, now=now)
    saw_others = item.state == DISPUTED and was_shown_others(session, task=task, item=item, own=own)
    row = Label(
        desk_id=desk_id,
        task_id=task.id,
        item_id=item.id,
        labeller=labeller.key,
        role=labeller.role,
        slot=slot,
        value=value,
        text=text,
        reasons=list(said.reasons),
        dwell_ms=said.dwell_ms,
        guideline_version=task.guideline_version,
        seen=labels.OTHERS if saw_others else labels.BLIND,
        occurred_at=said.occurred_at or now,
        created_at=now,
    )
    labels.add_label(session, label=row)
    own.state, own.slot, own.lease_until, own.draft = assignments.DONE, slot, None, None
    save_row(session, own)
    if item.gold is None and not late:
        renew_item(session, task=task, item=item, now=now)
    look_at(session, task=task, item=item, labeller=labeller.key, now=now)
    return RecordedLabel(row, task, late)


def undo_label(
    session: Session, *, desk_id: str, label_id: str, labeller: Labeller, now: datetime
) -> RecordedLabel:
    """Takes the labeller's own label back; they have the item again, with what they had said as their draft.
    A decision is taken back alone: what its expert had said before, unseen, stands. Raises NotFound for a
    label of somebody else, LabelUndone, ItemSettled, and what `share_open_task` raises.
    """
    label = labels.get_label(session, desk_id=desk_id, label_id=label_id)
    if label.labeller != labeller.key:
        raise NotFound("label", label_id)
    task, item, own = find_own(session, desk_id=desk_id, item_id=label.item_id, labeller=labeller)
    counted = [row.id for row in list_counted_labels(session, task=task, item=item)]
    undo = labels.add_undo(session, label=label, now=now)
    if item.state == SETTLED and label.id in (counted if is_settled_by_check(item) else counted[:-1]):
        raise ItemSettled(item.id)
    if not labels.has_label(session, item_id=item.id, labeller=labeller.key):
        own.state, own.lease_until = assignments.CLAIMED, now + claim.TERM
        own.draft = {"value": label.value, "text": label.text}
        save_row(session, own)
    if item.gold is None:
        renew_item(session, task=task, item=item, now=now)
    return RecordedLabel(undo, task)


def is_settled_by_check(item: Item) -> bool:
    """Whether others found a text correct; an expert who decided may take that back."""
    return item.settled_by is None and "text" in (item.outcome or {})


def pass_item(session: Session, *, desk_id: str, item_id: str, labeller: Labeller) -> Task:
    """Gives an item to others; the task that it is of. Raises NotFound without a claim, ItemLabelled."""
    task, _, own = find_own(session, desk_id=desk_id, item_id=item_id, labeller=labeller)
    if own.state == assignments.DONE:
        raise labels.ItemLabelled(item_id)
    own.state, own.slot, own.lease_until, own.draft = assignments.PASSED, None, None, None
    save_row(session, own)
    return task


def keep_draft(
    session: Session,
    *,
    desk_id: str,
    item_id: str,
    labeller: Labeller,
    draft: dict[str, Any] | None,
    now: datetime,
) -> Assignment:
    """Keeps what the labeller has not sent yet, or what is kept already, and prolongs their claim."""
    task, item, own = find_own(session, desk_id=desk_id, item_id=item_id, labeller=labeller)
    if own.state == assignments.DONE:
        raise labels.ItemLabelled(item_id)
    if draft is not None:
        own.draft = draft
    claim.hold(session, task=task, item=item, own=own, now=now)
    return save_row(session, own)


def find_own(
    session: Session, *, desk_id: str, item_id: str, labeller: Labeller
) -> tuple[Task, Item, Assignment]:
    """An open task, its item, held until the transaction ends, and what the labeller has of it."""
    found = assignments.find_assignment(session, item_id=item_id, labeller=labeller.key)
    if found is None or found.desk_id != desk_id:
        raise NotFound("item", item_id)
    task = share_open_task(session, desk_id=desk_id, task_id=found.task_id)
    require_labeller(task, labeller=labeller.key, tier=labeller.tier)
    # The check of a text is held after the item that the text is for, so it is read first.
    item = items.get_item(session, desk_id=desk_id, item_id=item_id, lock=task.kind != CHECK)
    if task.kind == CHECK:
        item = hold_item(session, item=item)
    if item.state == DROPPED:
        raise items.ItemDropped(item_id, item.reason)
    own = assignments.find_assignment(session, item_id=item_id, labeller=labeller.key)
    assert own is not None
    return task, item, own


def _find_place(
    session: Session, *, task: Task, item: Item, own: Assignment, labeller: Labeller, now: datetime
) -> tuple[int | None, bool]:
    """The slot that a label takes, and whether it comes late. Gold and disputes have no slots."""
    if item.gold is not None:
        return None, False
    if item.state == SETTLED:
        return None, True
    if item.state == DISPUTED:
        return None, labeller.tier < item.tier
    if own.state == assignments.CLAIMED and own.slot is not None:  # over or not: nobody took it
        return own.slot, False
    slot = claim.find_slot(session, task=task, item=item, now=now)
    return slot, slot is None
