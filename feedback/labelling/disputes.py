"""Items on which people differ: what they said, without names, and an expert's decision.

Who decides has seen what the others said, so their label settles the item and is no evidence of agreement.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from feedback.canonical import hash_text
from feedback.errors import Conflict
from feedback.labelling.gold_items import renew_item
from feedback.labelling.kinds import answer_of, check_text, check_value
from feedback.labelling.labeller import Labeller
from feedback.records.item_states import DISPUTED
from feedback.store import assignments, free_items, items, label_counts, labels
from feedback.store.engine import save_row
from feedback.store.tables import Item, Label, Task
from feedback.store.tasks import share_open_task
from feedback.store.text_checks import hold_item


class ItemNotDisputed(Conflict):
    def __init__(self, item_id: str, state: str) -> None:
        super().__init__(
            "item_not_disputed",
            f"Item {item_id} is {state}: there is no dispute to decide.",
            "Go on with the next dispute.",
        )


class OwnAnswer(Conflict):
    def __init__(self, item_id: str) -> None:
        super().__init__(
            "own_answer",
            f"Item {item_id} checks what you said yourself.",
            "Leave it to another expert and go on with the next dispute.",
        )


@dataclass(frozen=True)
class CountedAnswer:
    """One answer to a disputed item, and how many gave it; of texts each stands alone."""

    value: dict[str, Any]
    count: int
    text: str | None = None


@dataclass(frozen=True)
class Dispute:
    item: Item
    said: Sequence[CountedAnswer]
    number: int  # from 1, among the disputes of the task
    disputes: int


def read_dispute(session: Session, *, task: Task, after: int = 0) -> Dispute | None:
    """The next dispute behind this position in the task's order, else the first; None where there is none."""
    disputed = label_counts.list_disputed(session, desk_id=task.desk_id, task_id=task.id)
    if not disputed:
        return None
    place = next((place for place, item in enumerate(disputed) if item.position > after), 0)
    item = disputed[place]
    given = labels.list_active_labels(session, item_ids=[item.id])
    return Dispute(item, gather_answers(task.kind, given), place + 1, len(disputed))


def gather_answers(kind: str, given: Sequence[Label]) -> list[CountedAnswer]:
    """The answers in an order that tells neither who gave one nor which came first."""
    values: dict[Any, Label] = {}
    times: Counter[Any] = Counter()
    for label in given:
        if label.value is None:
            continue
        key = (answer_of(kind, label.value), label.text)
        values.setdefault(key, label)
        times[key] += 1
    shuffled = sorted(values, key=lambda key: hash_text(f"{values[key].item_id}:{sort_key(key)}"))
    return [CountedAnswer(values[key].value or {}, times[key], values[key].text) for key in shuffled]


def sort_key(key: tuple[Any, str | None]) -> str:
    """A text that is the same in every process: sets have no order of their own."""
    answer, text = key
    named = sorted(map(str, answer)) if isinstance(answer, frozenset) else answer
    return f"{named}:{text}"


def adjudicate(
    session: Session,
    *,
    desk_id: str,
    item_id: str,
    labeller: Labeller,
    value: dict[str, Any],
    text: str | None,
    now: datetime,
) -> Label:
    """Settles a dispute by the word of an expert. Raises NotFound, ItemNotDisputed, OwnAnswer, ValueUnknown,
    and what `share_open_task` raises.
    """
    found = items.get_item(session, desk_id=desk_id, item_id=item_id)
    task = share_open_task(session, desk_id=desk_id, task_id=found.task_id)
    item = hold_item(session, item=found)
    if item.state != DISPUTED:
        raise ItemNotDisputed(item_id, item.state)
    if free_items.knows_subject(session, item_id=item_id, labeller=labeller.key):
        raise OwnAnswer(item_id)
    checked = check_value(task.kind, value, question=task.question, shown=item.shown)
    label = Label(
        desk_id=desk_id,
        task_id=task.id,
        item_id=item.id,
        labeller=labeller.key,
        role=labeller.role,
        value=checked,
        text=check_text(task.kind, checked, text),
        guideline_version=task.guideline_version,
        seen=labels.OTHERS,
        occurred_at=now,
        created_at=now,
    )
    labels.add_label(session, label=label)
    own = assignments.find_assignment(session, item_id=item.id, labeller=labeller.key)
    if own is None:
        own = assignments.claim(
            session, item=item, own=None, labeller=labeller.key, slot=None, until=now, now=now
        )
    own.state, own.lease_until, own.draft = assignments.DONE, None, None
    save_row(session, own)
    renew_item(session, task=task, item=item, now=now)
    return label
