"""What an item comes to, with the gold that comes of itself: what two experts said of a dispute without
having seen each other's label.

Such gold is an item of its own that repeats the one in dispute, so that what its labellers say counts for
nothing but themselves; whoever labelled that one does not get it.
"""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from feedback.labelling.gold import may_be_gold
from feedback.labelling.kinds import answer_of, value_of
from feedback.labelling.settle import EXPERTS
from feedback.labelling.standing import list_counted_labels, make_votes, renew_standing
from feedback.labelling.text_checks import renew_text_checks
from feedback.records.from_label import REWRITE
from feedback.records.item_states import DROPPED, OPEN, SETTLED
from feedback.store import items
from feedback.store.engine import save_row
from feedback.store.tables import Item, Label, Task
from feedback.store.tasks import CLOSED, get_task


def renew_item(session: Session, *, task: Task, item: Item, now: datetime) -> None:
    """Writes where an item stands, whatever changed what counts of it, and adds or takes out the checks of
    its texts and the gold that repeats it; after the check of a text, the same of what that was written for.
    The caller holds the item, which is neither gold nor dropped, and that one.
    """
    was_with_experts = item.tier >= EXPERTS
    renew_standing(session, task=task, item=item, now=now)
    if task.kind == REWRITE:
        renew_text_checks(session, task=task, item=item, now=now)
    if item.subject_kind == items.OF_LABEL:
        renew_rewritten(session, check=item, now=now)
    if task.tier >= EXPERTS or task.gold_share <= 0:
        return
    if not was_with_experts and item.tier < EXPERTS:
        return  # there is no such gold, or it was taken out
    answer = _find_known(session, task=task, item=item)
    gold = items.find_repeated(session, task_id=task.id, item_id=item.id)
    if gold is None and answer is not None:
        gold = _repeat(item, tier=task.tier, now=now)
    if gold is not None:
        gold.gold = answer or gold.gold
        gold.state = DROPPED if answer is None else OPEN
        gold.reason = "disputed" if answer is None else None
        save_row(session, gold)


def renew_rewritten(session: Session, *, check: Item, now: datetime) -> None:
    """Writes where the item stands whose text was checked. The caller holds both."""
    label = session.get_one(Label, check.subject_id)
    item = items.get_item(session, desk_id=check.desk_id, item_id=label.item_id)
    task = get_task(session, desk_id=check.desk_id, task_id=item.task_id)
    if item.state != DROPPED and task.state != CLOSED:
        renew_item(session, task=task, item=item, now=now)


def _find_known(session: Session, *, task: Task, item: Item) -> dict[str, Any] | None:
    """The answer that experts gave to a dispute, where it is known well enough; without a text."""
    if item.state != SETTLED or item.tier < EXPERTS or item.outcome is None:
        return None
    votes = make_votes(session, task=task, counted=list_counted_labels(session, task=task, item=item))
    return value_of(task.kind, answer_of(task.kind, item.outcome)) if may_be_gold(votes) else None


def _repeat(item: Item, *, tier: int, now: datetime) -> Item:
    kept = {name: getattr(item, name) for name in ("desk_id", "task_id", "conversation_id", "conversation")}
    return Item(
        **kept,
        position=-item.position,  # no other item's, whatever is added at the same time
        subject_kind=items.OF_ITEM,
        subject_id=item.id,
        language=item.language,
        shown=item.shown,
        tier=tier,
        created_at=now,
    )
