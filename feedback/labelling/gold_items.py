"""Gold that comes of itself: what two experts said of a dispute without seeing each other's label.

It is an item of its own that repeats the one in dispute, so that what its labellers say counts for nothing
but themselves; whoever labelled that one does not get it.
"""

from datetime import datetime

from sqlmodel import Session

from feedback.labelling.gold import may_be_gold
from feedback.labelling.settle import EXPERTS
from feedback.labelling.standing import list_counted, make_votes
from feedback.store import items
from feedback.store.engine import save_row
from feedback.store.tables import Item, Task


def renew_gold(session: Session, *, task: Task, item: Item, now: datetime) -> None:
    """Adds or takes out the gold that repeats this item, once it was settled, disputed or opened again. The
    caller holds the item.
    """
    if item.tier < EXPERTS or task.tier >= EXPERTS or task.gold_share <= 0:
        return
    votes = make_votes(session, task=task, counted=list_counted(session, task=task, item=item))
    is_known = item.state == items.SETTLED and may_be_gold(votes)
    gold = items.find_repeated(session, task_id=task.id, item_id=item.id)
    if gold is None and is_known:
        gold = _repeat(item, tier=task.tier, now=now)
    if gold is not None:
        gold.gold = item.outcome if is_known else gold.gold
        gold.state = items.OPEN if is_known else items.DROPPED
        gold.reason = None if is_known else "disputed"
        save_row(session, gold)


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
