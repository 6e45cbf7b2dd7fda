"""Which item a labeller gets next, and for how long: the first in the task's order that needs labels.

All labellers go through a task in one order, so that items get their labels soon after one another. The order
is that of a hash, so it says nothing of why an item came. Who finds an item held by another one takes the
next.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from feedback.labelling.gold import LONGEST, MOST_PEOPLE, takes_gold
from feedback.labelling.labeller import Labeller
from feedback.records.item_states import OPEN
from feedback.store import assignments, items
from feedback.store.free_items import Seeker, is_item_free, list_free_items
from feedback.store.reliabilities import require_active
from feedback.store.tables import Assignment, Item, Task
from feedback.store.tasks import require_labeller

TERM = timedelta(minutes=15)  # from the last sign of life: claiming, keeping a draft, reading


def claim_next(session: Session, *, task: Task, labeller: Labeller, now: datetime) -> Assignment | None:
    """The labeller's own claim, for another term, or a new one; None where nothing is left for them. Raises
    NotYourTier, NotAssigned, LabellerPaused.
    """
    require_labeller(task, labeller=labeller.key, tier=labeller.tier)
    require_active(session, desk_id=task.desk_id, kind=task.kind, labeller=labeller.key)
    own = assignments.find_own_claim(session, task_id=task.id, labeller=labeller.key, tier=labeller.tier)
    if own is not None:
        item = items.get_item(session, desk_id=task.desk_id, item_id=own.item_id, lock=True)
        kept = assignments.find_assignment(session, item_id=item.id, labeller=labeller.key)
        if kept is not None and kept.state == assignments.CLAIMED:
            kept.lease_until = now + TERM
            return kept
    of_task = assignments.count_claims(session, task_ids=[task.id], labeller=labeller.key)[task.id]
    given = sum(of_task.values())
    if takes_gold(given, share=task.gold_share, seed=str(task.seed), labeller=labeller.key):
        gold = take_first(session, task=task, labeller=labeller, gold=True, now=now)
        if gold is not None:
            return gold
    return take_first(session, task=task, labeller=labeller, gold=False, now=now)


def take_first(
    session: Session, *, task: Task, labeller: Labeller, gold: bool, now: datetime
) -> Assignment | None:
    """A claim on the first free item. Those that others hold just now are waited for at the end alone."""
    seeker = make_seeker(labeller, now)
    seen: list[str] = []
    held: list[str] = []
    while found := list_free_items(session, task=task, seeker=seeker, gold=gold, without=seen):
        for item_id in found:
            item = items.lock_item(session, desk_id=task.desk_id, item_id=item_id)
            if item is None:
                held.append(item_id)
            elif is_item_free(session, task=task, seeker=seeker, gold=gold, item_id=item_id):
                return give(session, task=task, item=item, labeller=labeller, now=now)
        seen += found
    for item_id in held:
        item = items.get_item(session, desk_id=task.desk_id, item_id=item_id, lock=True)
        if is_item_free(session, task=task, seeker=seeker, gold=gold, item_id=item_id):
            return give(session, task=task, item=item, labeller=labeller, now=now)
    return None


def make_seeker(labeller: Labeller, now: datetime) -> Seeker:
    return Seeker(labeller.key, labeller.tier, now, TERM, worn_by=MOST_PEOPLE, oldest_gold=now - LONGEST)


def give(session: Session, *, task: Task, item: Item, labeller: Labeller, now: datetime) -> Assignment:
    """Claims an item that the transaction holds; gold and disputes take no slot."""
    held = assignments.list_claims(session, item_id=item.id, now=now, term=TERM)
    return assignments.claim(
        session,
        item=item,
        own=next((row for row in held if row.labeller == labeller.key), None),
        labeller=labeller.key,
        slot=choose_slot(task, item, held),
        until=now + TERM,
        now=now,
    )


def find_slot(session: Session, *, task: Task, item: Item, now: datetime) -> int | None:
    """The first free slot of an open item, after those whose time is over lost theirs; None without one."""
    return choose_slot(task, item, assignments.list_claims(session, item_id=item.id, now=now, term=TERM))


def choose_slot(task: Task, item: Item, held: Sequence[Assignment]) -> int | None:
    if item.state != OPEN or item.gold is not None:
        return None
    taken = {row.slot for row in held}
    return next((slot for slot in range(1, task.overlap_max + 1) if slot not in taken), None)


def hold(session: Session, *, task: Task, item: Item, own: Assignment, now: datetime) -> None:
    """Prolongs a claim at a sign of life; one that lapsed runs again where the item has room for it."""
    if own.state == assignments.CLAIMED:
        own.lease_until = now + TERM
    elif own.state == assignments.LAPSED and (slot := find_slot(session, task=task, item=item, now=now)):
        own.state, own.slot, own.lease_until = assignments.CLAIMED, slot, now + TERM
