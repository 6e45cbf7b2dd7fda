"""Which item a labeller gets next, and for how long: the first in the task's order that needs labels.

All labellers go through a task in one order, so that items get their labels soon after one another. The order
is that of a hash, so it says nothing of why an item came. Who finds an item held by another one takes the
next.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from feedback.labelling.gold import is_worn, takes_gold
from feedback.labelling.labeller import Labeller
from feedback.store import assignments, items
from feedback.store.reliabilities import require_active
from feedback.store.tables import Assignment, Item, Task
from feedback.store.tasks import require_labeller

TERM = timedelta(minutes=15)  # from the last sign of life: claiming, keeping a draft, reading


@dataclass(frozen=True)
class Progress:
    """How many items of a task a labeller has labelled, and how many are left for them."""

    done: int
    left: int


def count_progress(session: Session, *, task: Task, labeller: Labeller) -> Progress:
    done = assignments.count_done(session, task_ids=[task.id], labeller=labeller.key)[task.id]
    left = items.count_left(session, task_id=task.id, labeller=labeller.key, tier=labeller.tier)
    return Progress(done, left)


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
    given = sum(assignments.count_given_items(session, task_id=task.id, labeller=labeller.key).values())
    if takes_gold(given, share=task.gold_share, seed=str(task.seed), labeller=labeller.key):
        gold = take_first(session, task=task, labeller=labeller, gold=True, now=now)
        if gold is not None:
            return gold
    return take_first(session, task=task, labeller=labeller, gold=False, now=now)


def take_first(
    session: Session, *, task: Task, labeller: Labeller, gold: bool, now: datetime
) -> Assignment | None:
    """A claim on the first free item. Those that others hold just now are waited for at the end alone."""
    seen: list[str] = []
    held: list[str] = []

    def is_free(item: Item) -> bool:
        return bool(list_free([item.id])) and not (gold and is_old_gold(session, item=item, now=now))

    def list_free(among: list[str]) -> list[str]:
        return items.list_free_items(
            session,
            task=task,
            labeller=labeller.key,
            tier=labeller.tier,
            gold=gold,
            now=now,
            term=TERM,
            among=among,
            without=seen,
        )

    while found := list_free([]):
        for item_id in found:
            item = items.lock_item(session, desk_id=task.desk_id, item_id=item_id)
            if item is None:
                held.append(item_id)
            elif is_free(item):
                return give(session, task=task, item=item, labeller=labeller, now=now)
        seen += found
    seen.clear()
    for item_id in held:
        item = items.get_item(session, desk_id=task.desk_id, item_id=item_id, lock=True)
        if is_free(item):
            return give(session, task=task, item=item, labeller=labeller, now=now)
    return None


def is_old_gold(session: Session, *, item: Item, now: datetime) -> bool:
    people = assignments.count_labelled(session, item_id=item.id)
    return is_worn(people, item.created_at, now)


def give(session: Session, *, task: Task, item: Item, labeller: Labeller, now: datetime) -> Assignment:
    """Claims an item that the transaction holds; gold and disputes take no slot."""
    slot = find_slot(session, task=task, item=item, now=now)
    return assignments.claim(session, item=item, labeller=labeller.key, slot=slot, until=now + TERM, now=now)


def find_slot(session: Session, *, task: Task, item: Item, now: datetime) -> int | None:
    """The first free slot of an open item, after those whose time is over lost theirs; None without one."""
    assignments.lapse_claims(session, item_id=item.id, now=now, term=TERM)
    if item.state != items.OPEN or item.gold is not None:
        return None
    taken = {row.slot for row in assignments.list_of_item(session, item_id=item.id)}
    return next((slot for slot in range(1, task.overlap_max + 1) if slot not in taken), None)


def hold(session: Session, *, task: Task, item: Item, own: Assignment, now: datetime) -> None:
    """Prolongs a claim at a sign of life; one that lapsed runs again where the item has room for it."""
    if own.state == assignments.CLAIMED:
        own.lease_until = now + TERM
    elif own.state == assignments.LAPSED and (slot := find_slot(session, task=task, item=item, now=now)):
        own.state, own.slot, own.lease_until = assignments.CLAIMED, slot, now + TERM
