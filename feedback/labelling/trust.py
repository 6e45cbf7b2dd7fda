"""How far each labeller is trusted: their reliability, estimated anew from what they and others said, and the
pause that it may prove.

Within the transaction of a label it is estimated of that labeller's last items alone, the others' as they
are known; every minute of all labels where some came in. What somebody said since their last passed gold
item waits while they are paused on evidence, and counts again once an expert lets them go on.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.clock import Clock
from feedback.labelling.gold import should_look, should_pause
from feedback.labelling.gold_items import renew_item
from feedback.labelling.kinds import answer_of, list_answers
from feedback.labelling.reliability import EstimatedReliability, Poll, Said, estimate_reliability
from feedback.records.from_label import RATE
from feedback.records.item_states import DROPPED
from feedback.store import items, polled_labels, reliabilities, tables, tasks
from feedback.store.engine import read, unit_of_work
from feedback.store.polled_labels import PolledLabel
from feedback.store.tables import DEFAULT_DESK, Item, Task
from feedback.store.text_checks import hold_item

LOOKED_BACK = 200  # labels of somebody, in the transaction of one of them
ON_EVIDENCE = "Their labels prove that fewer than 60 of 100 are right."


def look_at(session: Session, *, task: Task, item: Item, labeller: str, now: datetime) -> None:
    """After a label: estimates how reliable its labeller is where it is time to, and pauses them if it is
    proven that they are not. After an expert let somebody go on, labels since then alone can prove it.
    """
    desk_id, kind = task.desk_id, task.kind
    row = reliabilities.find_reliability(session, desk_id=desk_id, kind=kind, labeller=labeller)
    since = None if row is None else row.resumed_at
    given, gold = polled_labels.count_own(session, desk_id=desk_id, kind=kind, labeller=labeller, since=since)
    if not should_look(given, gold, is_gold=item.gold is not None):
        return
    own = polled_labels.list_own(
        session, desk_id=desk_id, kind=kind, labeller=labeller, since=since, limit=LOOKED_BACK
    )
    beside = polled_labels.list_polled(
        session, desk_id=desk_id, kind=kind, item_ids=sorted({each.item_id for each in own})
    )
    others = sorted({each.labeller for each in beside} - {labeller})
    held = reliabilities.read_accuracies(session, desk_id=desk_id, kind=kind, labellers=others)
    found = estimate_reliability(make_polls(session, beside), held)
    told = found.by_labeller.get(labeller)
    if told is not None and should_pause(told.correct, told.wrong, gold):
        row = write_reliability(session, desk_id=desk_id, kind=kind, labeller=labeller, told=told, now=now)
        if row.paused_at is None:
            row.paused_at, row.paused_by, row.pause_reason = now, None, ON_EVIDENCE
            reliabilities.save_reliability(session, row=row)


def renew_reliabilities(store_engine: Engine, *, clock: Clock, desk_id: str = DEFAULT_DESK) -> list[str]:
    """Estimates the reliability of all labellers in the kinds of tasks where labels came in, or somebody was
    paused or let go on; returns these kinds.
    """
    with read(store_engine) as session:
        last = polled_labels.find_last_labels(session, desk_id=desk_id)
        rows = reliabilities.list_reliabilities(session, desk_id=desk_id)
    due = [kind for kind in sorted(last) if _is_due(last[kind], [row for row in rows if row.kind == kind])]
    for kind in due:
        renew_kind(store_engine, kind=kind, clock=clock, desk_id=desk_id)
        moved = [row.labeller for row in rows if row.kind == kind and _last_word(row) >= row.computed_at]
        restand_items(store_engine, labellers=moved, kind=kind, clock=clock, desk_id=desk_id)
    return due


def renew_kind(store_engine: Engine, *, kind: str, clock: Clock, desk_id: str) -> None:
    with read(store_engine) as session:
        said = polled_labels.list_polled(session, desk_id=desk_id, kind=kind)
        polls = make_polls(session, said)
    found = estimate_reliability(polls).by_labeller
    with unit_of_work(store_engine) as session:
        now = clock.now()
        for labeller, told in sorted(found.items()):
            write_reliability(session, desk_id=desk_id, kind=kind, labeller=labeller, told=told, now=now)
        for row in reliabilities.list_reliabilities(session, desk_id=desk_id, kind=kind):
            row.computed_at = now
            reliabilities.save_reliability(session, row=row)


def restand_items(
    store_engine: Engine, *, labellers: Sequence[str], kind: str, clock: Clock, desk_id: str
) -> None:
    """Settles or opens again the items of these labellers, in tasks that are not closed: their labels count
    no longer, or count again. Each item in a transaction of its own.
    """
    with read(store_engine) as session:
        found = polled_labels.list_moving_items(session, desk_id=desk_id, kind=kind, labellers=labellers)
    for item_id in found:
        with unit_of_work(store_engine) as session:
            item = items.get_item(session, desk_id=desk_id, item_id=item_id)
            item = hold_item(session, item=item)
            task = tasks.get_task(session, desk_id=desk_id, task_id=item.task_id)
            if item.state != DROPPED and task.state != tasks.CLOSED:
                renew_item(session, task=task, item=item, now=clock.now())


def make_polls(session: Session, said: Sequence[PolledLabel]) -> list[Poll]:
    """A poll of each task. Labels that say that one could not tell are left out."""
    by_task: defaultdict[str, list[PolledLabel]] = defaultdict(list)
    for each in said:
        by_task[each.task_id].append(each)
    polls = []
    for task_id, labels in by_task.items():
        task = session.get_one(Task, task_id)
        shown = polled_labels.find_shown(session, task_id=task_id)
        answers = [(each, answer_of(task.kind, each.value)) for each in labels]
        known = {each.item_id: answer_of(task.kind, each.known) for each in labels if each.known is not None}
        polls.append(
            Poll(
                [Said(each.item_id, each.labeller, answer) for each, answer in answers if answer is not None],
                list_answers(task.kind, question=task.question, shown=shown),
                {item_id: answer for item_id, answer in known.items() if answer is not None},
                ordinal=task.kind == RATE,
            )
        )
    return polls


def write_reliability(
    session: Session, *, desk_id: str, kind: str, labeller: str, told: EstimatedReliability, now: datetime
) -> tables.Reliability:
    """Writes an estimate over the one before; who is paused stays so."""
    row = reliabilities.find_reliability(session, desk_id=desk_id, kind=kind, labeller=labeller)
    if row is None:
        row = tables.Reliability(
            desk_id=desk_id, kind=kind, labeller=labeller, accuracy=0, low=0, high=0, computed_at=now
        )
    row.accuracy, row.low, row.high, row.items = told.accuracy, told.low, told.high, told.labels
    row.correct, row.wrong = told.correct, told.wrong
    row.gold_correct, row.gold_wrong = round(told.known_correct), round(told.known_wrong)
    return reliabilities.save_reliability(session, row=row)


def _is_due(last_label: datetime, rows: Sequence[tables.Reliability]) -> bool:
    return not rows or any(max(last_label, _last_word(row)) >= row.computed_at for row in rows)


def _last_word(row: tables.Reliability) -> datetime:
    """When a labeller was paused or let go on last."""
    return max(filter(None, (row.paused_at, row.resumed_at)), default=reliabilities.BEGINNING)
