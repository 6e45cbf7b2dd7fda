"""What the helper doubts is asked of one more person: an item of which it says something else than people
came to is open again until it has one label more. Who gets it sees it as any other item.

The doubt is no vote, and it is bounded: each item once, at most a tenth of what people settled in a task,
and only where somebody labels there who has not had it.
"""

from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.clock import Clock
from feedback.errors import Conflict
from feedback.labelling.checking import find_contradicted
from feedback.labelling.claim import TERM
from feedback.labelling.gold_items import renew_item
from feedback.labelling.kinds import CHECK
from feedback.labelling.standing import REOPENED, list_counted_labels
from feedback.records.item_states import SETTLED
from feedback.store import assignments, check_items, helper_labels, items, tasks
from feedback.store.engine import read, unit_of_work
from feedback.store.helper_labels import DOUBTED
from feedback.store.tables import Item, Task

MOST_DOUBTED = 0.1  # of the items that are settled


def ask_one_more(store_engine: Engine, *, task_id: str, clock: Clock, desk_id: str) -> int:
    """Opens items again; returns their number. Each in a transaction of its own."""
    with read(store_engine) as session:
        task = tasks.get_task(session, desk_id=desk_id, task_id=task_id)
        found = list_doubted(session, task=task)
    opened = 0
    for item_id in found:
        with unit_of_work(store_engine) as session:
            try:
                task = tasks.share_open_task(session, desk_id=desk_id, task_id=task_id)
            except Conflict:  # paused or closed since
                return opened
            item = items.get_item(session, desk_id=desk_id, item_id=item_id, lock=True)
            opened += open_doubted(session, task=task, item=item, now=clock.now())
    return opened


def list_doubted(session: Session, *, task: Task) -> list[str]:
    """What may be asked of one more person, in the order of the task."""
    if task.kind == CHECK:  # of a text that stands or falls with it
        return []
    settled = check_items.list_settled(session, task_id=task.id)
    room = int(MOST_DOUBTED * len(settled)) - helper_labels.count_doubted(session, task_id=task.id)
    doubted = find_contradicted(session, task=task)
    found = [item.id for item in settled if item.id in doubted and is_own(task, item)]
    return found[: max(0, room)]


def is_own(task: Task, item: Item) -> bool:
    """Whether labellers settled an item, not experts, and nobody doubted it before."""
    return item.tier == task.tier and not {DOUBTED, REOPENED} & item.hidden.keys()


def open_doubted(session: Session, *, task: Task, item: Item, now: datetime) -> bool:
    """Asks for one label more than an item has. The caller holds it."""
    if item.state != SETTLED or not is_own(task, item):
        return False
    held = assignments.list_claims(session, item_id=item.id, now=now, term=TERM)
    has_place = sum(row.slot is not None for row in held) < task.overlap_max
    if not has_place or not helper_labels.knows_another(session, task_id=task.id, item_id=item.id):
        return False
    given = list_counted_labels(session, task=task, item=item)
    told = {"least": 1 + sum(row.slot is not None for row in given), "outcome": item.outcome}
    item.hidden = item.hidden | {DOUBTED: told | {"at": (item.settled_at or now).isoformat()}}
    renew_item(session, task=task, item=item, now=now)
    return True
