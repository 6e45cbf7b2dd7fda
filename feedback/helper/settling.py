"""What a trusted helper settles alone: nine of ten items that nobody has had. The tenth goes to people, whose
answers feed the figure that it is trusted by.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.canonical import draw_share
from feedback.clock import Clock
from feedback.errors import Conflict
from feedback.helper.trust import is_trusted
from feedback.labelling.derive import derive_item_record
from feedback.labelling.gold_items import renew_rewritten
from feedback.records.item_states import OPEN, SETTLED
from feedback.store import helper_labels, items, tasks
from feedback.store.engine import read, save_row, unit_of_work
from feedback.store.tables import Item, Task
from feedback.store.text_checks import hold_item

PEOPLES_SHARE = 0.1


def is_for_people(task: Task, item_id: str) -> bool:
    """Whether people settle an item whoever is trusted; nothing that they see says so."""
    return draw_share(f"{task.seed}/helper/{item_id}") < PEOPLES_SHARE


def settle_alone(store_engine: Engine, *, task_id: str, model: str, clock: Clock, desk_id: str) -> int:
    """Settles what this model may settle; returns the number of items. Each in a transaction of its own."""
    with read(store_engine) as session:
        task = tasks.get_task(session, desk_id=desk_id, task_id=task_id)
        found = helper_labels.list_settleable(session, task_id=task_id, model=model)
    mine = [(item_id, value) for item_id, value in found if not is_for_people(task, item_id)]
    settled = 0
    for item_id, value in mine:
        with unit_of_work(store_engine) as session:
            try:
                tasks.share_open_task(session, desk_id=desk_id, task_id=task_id)
            except Conflict:  # paused or closed since
                return settled
            item = hold_item(session, item=items.get_item(session, desk_id=desk_id, item_id=item_id))
            may = is_trusted(session, task_id=task_id, model=model)
            if may and item.state == OPEN and helper_labels.is_untouched(session, item_id=item_id):
                settle_item(session, item=item, value=value, now=clock.now())
                settled += 1
    return settled


def settle_item(session: Session, *, item: Item, value: dict[str, Any], now: datetime) -> None:
    """Writes the outcome and what becomes of it. The caller holds the item, and what its text is for."""
    trust = helper_labels.find_trust(session, task_id=item.task_id)
    item.state, item.outcome, item.settled_at = SETTLED, value, now
    item.settled_by = helper_labels.SETTLED_BY
    item.confidence = trust.agreed if trust is not None else None
    save_row(session, item)
    derive_item_record(session, item=item)
    if item.subject_kind == items.OF_LABEL:
        renew_rewritten(session, check=item, now=now)
