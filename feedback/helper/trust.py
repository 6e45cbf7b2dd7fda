"""In which tasks the helper is trusted: by what it and people said of the same items, and not for longer.

Given from 100 items on, where the lower bound of its kappa reaches the bar; taken away where the kappa of the
last 200 falls below the bar, or another model answers. The items are those that people settled. What it had
settled alone goes back to people where it came to differ from them.
"""

from dataclasses import asdict
from datetime import datetime
from functools import partial

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.clock import Clock
from feedback.helper.kappa import LAST_ITEMS, Kappa, deserves_trust, loses_trust, measure_kappa, set_bar
from feedback.labelling.gold_items import renew_item
from feedback.labelling.kinds import answer_of
from feedback.labelling.quality import measure_quality
from feedback.store import helper_labels, items, label_counts, tasks
from feedback.store.engine import read, unit_of_work
from feedback.store.exclusions import read_excluded
from feedback.store.tables import HelperTrust, Task
from feedback.store.text_checks import hold_item

AGREES, DIFFERS, MODEL_CHANGED = "agrees", "differs", "model_changed"


def is_trusted(session: Session, *, task_id: str, model: str) -> bool:
    last = helper_labels.find_trust(session, task_id=task_id)
    return last is not None and last.is_trusted and last.model == model


def renew_trust(store_engine: Engine, *, task_id: str, model: str, clock: Clock, desk_id: str) -> bool:
    """Whether the model that answers now is trusted in an open task, by all that is known by now. What is
    read and computed for that holds up nobody who writes.
    """
    with read(store_engine) as session:
        task = tasks.get_task(session, desk_id=desk_id, task_id=task_id)
        last = helper_labels.find_trust(session, task_id=task_id)
        found = weigh_trust(session, task=task, model=model, last=last, now=clock.now())
    for row in found:
        with unit_of_work(store_engine) as session:
            tasks.get_task(session, desk_id=desk_id, task_id=task_id, lock=True)
            if not helper_labels.add_trust(session, row=row):
                return False  # another process decided meanwhile: the next look goes by that
    if any(row.reason == DIFFERS for row in found):
        return_items(store_engine, task_id=task_id, clock=clock, desk_id=desk_id)
    newest = found[-1] if found else last
    return newest is not None and newest.is_trusted and newest.model == model


def weigh_trust(
    session: Session, *, task: Task, model: str, last: HelperTrust | None, now: datetime
) -> list[HelperTrust]:
    """The decisions that are due, behind the last one: none, or that a model answers no longer, or is trusted
    from now on or no more.
    """
    decide = partial(HelperTrust, desk_id=task.desk_id, task_id=task.id, created_at=now)
    number = 1 if last is None else last.number + 1
    found = []
    was = last is not None and last.is_trusted
    if last is not None and was and last.model != model:
        found.append(decide(number=number, model=last.model, is_trusted=False, reason=MODEL_CHANGED))
        number, was = number + 1, False
    since, newest = compare_with_people(session, task=task, model=model)
    bar = set_bar(find_alpha(session, task=task))
    trusted = not loses_trust(newest, bar) if was else deserves_trust(since, newest, bar)
    if trusted != was:
        told = asdict(since if trusted else newest)
        reason = AGREES if trusted else DIFFERS
        found.append(decide(number=number, model=model, is_trusted=trusted, reason=reason, bar=bar, **told))
    return found


def compare_with_people(session: Session, *, task: Task, model: str) -> tuple[Kappa, Kappa]:
    """By all items since trust in this model was taken away last, and by the last ones."""
    lost = helper_labels.find_last_loss(session, task_id=task.id, model=model)
    pairs = [
        (answer_of(task.kind, said), answer_of(task.kind, outcome), at)
        for said, outcome, at in helper_labels.list_compared(session, task_id=task.id, model=model)
    ]
    known = [each for each in pairs if each[0] is not None and each[1] is not None]
    since = [(one, other) for one, other, at in known if lost is None or at > lost]
    return measure_kappa(since), measure_kappa([(one, other) for one, other, _ in known[-LAST_ITEMS:]])


def find_alpha(session: Session, *, task: Task) -> float | None:
    """How well people agree among themselves, those apart who are left out."""
    excluded = read_excluded(session, desk_id=task.desk_id, kind=task.kind)
    given = label_counts.list_given(session, desk_id=task.desk_id, task_id=task.id)
    agreement = measure_quality(task, [label for label in given if label.labeller not in excluded])
    return None if agreement is None else agreement.alpha


def return_items(store_engine: Engine, *, task_id: str, clock: Clock, desk_id: str) -> None:
    """Opens again what the helper settled alone. Each item in a transaction of its own."""
    with read(store_engine) as session:
        found = helper_labels.list_settled_by_helper(session, task_id=task_id)
    for item_id in found:
        with unit_of_work(store_engine) as session:
            item = hold_item(session, item=items.get_item(session, desk_id=desk_id, item_id=item_id))
            task = tasks.get_task(session, desk_id=desk_id, task_id=task_id)
            if item.settled_by == helper_labels.SETTLED_BY and task.state != tasks.CLOSED:
                renew_item(session, task=task, item=item, now=clock.now())
