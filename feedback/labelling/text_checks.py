"""Rewritten texts are checked before they count: each is an item of a task of checks, made with the first
one. Two who find a text correct settle the item that it was written for; after two who find it incorrect
somebody else writes. Nobody checks their own text, or is told whose it is.
"""

from datetime import datetime

from sqlmodel import Session

from feedback.labelling.kinds import CHECK
from feedback.labelling.standing import list_counted_labels, renew_standing
from feedback.records.from_label import REWRITE
from feedback.records.item_states import DROPPED, OPEN, SETTLED
from feedback.store import items, labels, tasks, text_checks
from feedback.store.engine import save_row
from feedback.store.tables import Item, Label, Task

CHECKERS = 2
LEAST_CONFIDENCE = 0.75  # below it one who says correct and one who says incorrect would settle a text
TAKEN_BACK, SETTLED_BY_ANOTHER = "text_taken_back", "text_settled"  # why a text is checked no more


def renew_text_checks(session: Session, *, task: Task, item: Item, now: datetime) -> None:
    """Gives every text that counts its check, and takes out those that nobody needs. The caller holds the
    item, whose standing is written.
    """
    if _sync(session, task=task, item=item, now=now):
        renew_standing(session, task=task, item=item, now=now)
        _sync(session, task=task, item=item, now=now)


def _sync(session: Session, *, task: Task, item: Item, now: datetime) -> bool:
    """Whether a check that was taken out before is there again, with whatever it says."""
    counted = list_counted_labels(session, task=task, item=item)
    written = [row for row in counted if row.text is not None and row.seen == labels.BLIND]
    checks = text_checks.list_text_checks(session, task_id=task.id, item_id=item.id)
    for row in written:
        if row.id not in checks and item.state != SETTLED:
            place = text_checks.find_place(item, checks.values())
            checks[row.id] = _add_check(session, task=task, item=item, label=row, place=place, now=now)
    kept = {row.id for row in written}
    is_back = False
    for label_id, check in checks.items():
        if check.state == DROPPED and check.reason not in (TAKEN_BACK, SETTLED_BY_ANOTHER):
            continue  # erased
        reason = None if label_id in kept else TAKEN_BACK
        may_say = check.state == SETTLED or check.reason == TAKEN_BACK
        if reason is None and item.state == SETTLED and not may_say:
            reason = SETTLED_BY_ANOTHER
        is_back |= _keep(session, check=check, reason=reason, now=now)
    return is_back


def _keep(session: Session, *, check: Item, reason: str | None, now: datetime) -> bool:
    """Takes a check out for a reason, or puts it in again with what it said before; whether it did that."""
    if reason is not None:
        check.state, check.reason = DROPPED, reason
        save_row(session, check)
        return False
    if check.state != DROPPED:
        return False
    check.state, check.reason = OPEN, None
    own = tasks.get_task(session, desk_id=check.desk_id, task_id=check.task_id)
    renew_standing(session, task=own, item=check, now=now)
    return True


def _add_check(session: Session, *, task: Task, item: Item, label: Label, place: int, now: datetime) -> Item:
    own = text_checks.ensure_check_task(session, task=_make_task(task, now=now))
    check = Item(
        desk_id=item.desk_id,
        task_id=own.id,
        position=place,
        subject_kind=items.OF_LABEL,
        subject_id=label.id,
        conversation_id=item.conversation_id,
        conversation=item.conversation,
        language=item.language,
        shown=item.shown | {"claim": {"unchanged": False, "text": label.text}},
        tier=own.tier,
        created_at=now,
    )
    items.add_items(session, items=[check])
    return check


def _make_task(task: Task, *, now: datetime) -> Task:
    return Task(
        id=tasks.name_text_checks(task.id),
        desk_id=task.desk_id,
        name=f"{task.name[:180]} / texts",
        kind=CHECK,
        state=task.state,
        question={"text": "", "checks": REWRITE},
        guideline=task.guideline,
        tier=task.tier,
        overlap_min=CHECKERS,
        overlap_max=max(CHECKERS, task.overlap_max),
        confidence=max(LEAST_CONFIDENCE, task.confidence),
        gold_share=0.0,
        checks_task_id=task.id,
        selection={tasks.OF_REWRITES: task.id},
        seed=task.seed,
        due_at=task.due_at,
        created_by=task.created_by,
        created_at=now,
        opened_at=now,
    )
