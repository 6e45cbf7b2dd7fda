"""Tasks that check another one: drawing what is looked at again, and what follows once all of it was.

Whoever checks sees an item with what it came to, and says whether that is right; nobody checks what they
have labelled themselves. Once the last check is done, the wrong items go to experts; and where the error
rate may lie above the task's limit, so do all that were less sure.
"""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.canonical import draw_share
from feedback.clock import Clock
from feedback.errors import Conflict
from feedback.labelling.checks import Checked, draw_checks, estimate_errors, is_unsure
from feedback.labelling.gold_items import renew_item
from feedback.labelling.kinds import BAD, CHECK, GOOD, answer_of
from feedback.labelling.posterior import FIRST_ACCURACY, find_posterior
from feedback.labelling.settle import EXPERTS, PEOPLE
from feedback.labelling.standing import REOPENED, make_rule
from feedback.records.item_states import SETTLED
from feedback.store import check_items, helper_labels, items, reliabilities, tasks
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import DEFAULT_DESK, Item, Label, Task
from feedback.store.text_checks import hold_item

CROSSED, EXPERT = "crossed", "expert"
TIERS_OF = {CROSSED: PEOPLE, EXPERT: EXPERTS}
SEED_LIMIT = 2**63
CONTRADICTED = 0.5  # of the confidence of an outcome that the helper contradicts
CHECKER = "scheduler"  # who closes a finished check


class NothingSettled(Conflict):
    def __init__(self, task_id: str) -> None:
        super().__init__(
            "nothing_settled",
            f"Task {task_id} has no settled item that could be checked.",
            "Wait until labels have settled some.",
        )


def add_check(session: Session, *, task: Task, audience: str, count: int, actor: str, now: datetime) -> Task:
    """Draws about so many of a task's settled items, most of them by risk, into an open task of their own.
    Raises NothingSettled.
    """
    settled = check_items.list_settled(session, task_id=task.id)
    if not settled:
        raise NothingSettled(task.id)
    confidences = weigh_again(session, task=task, settled=settled)
    for item_id in find_contradicted(session, task=task) & confidences.keys():
        confidences[item_id] *= CONTRADICTED
    drawn: dict[str, float] = {}
    while not drawn:  # a small count may draw nothing
        seed = secrets.randbelow(SEED_LIMIT)
        drawn = draw_checks(confidences, count, seed=str(seed))
    check = tasks.add_task(session, task=_make_task(task, audience, seed=seed, actor=actor, now=now))
    chosen = [item for item in settled if item.id in drawn]
    chosen.sort(key=lambda item: draw_share(f"{seed}/{item.id}"))
    made = [_make_item(check, item, place, drawn[item.id], now) for place, item in enumerate(chosen, 1)]
    items.add_items(session, items=made)
    return check


def find_contradicted(session: Session, *, task: Task) -> set[str]:
    """The settled items of which the helper said something else than people came to."""
    return {
        item_id
        for item_id, said, outcome in helper_labels.list_said_of_settled(session, task_id=task.id)
        if answer_of(task.kind, said) != answer_of(task.kind, outcome)
    }


def weigh_again(session: Session, *, task: Task, settled: Sequence[Item]) -> dict[str, float]:
    """How sure each outcome is by what is known of its labellers today: most were settled when less was. What
    experts decided stays as it is.
    """
    rule_of = {item.id: make_rule(task, item) for item in settled if item.tier == task.tier}
    given: defaultdict[str, list[Label]] = defaultdict(list)
    for row in check_items.list_slotted(session, task_id=task.id):
        given[row.item_id].append(row)
    everybody = sorted({row.labeller for rows in given.values() for row in rows})
    accuracies = reliabilities.read_accuracies(
        session, desk_id=task.desk_id, kind=task.kind, labellers=everybody
    )
    confidences = {}
    for item in settled:
        confidences[item.id] = item.confidence or 0.0
        votes = [
            (answer, accuracies.get(row.labeller, FIRST_ACCURACY))
            for row in given[item.id]
            if (answer := answer_of(task.kind, row.value or {})) is not None
        ]
        if (rule := rule_of.get(item.id)) is not None and item.outcome is not None:
            chances = find_posterior(votes, rule.classes, ordinal=rule.ordinal)
            confidences[item.id] = chances.get(answer_of(task.kind, item.outcome), confidences[item.id])
    return confidences


def finish_checks(store_engine: Engine, *, clock: Clock, desk_id: str = DEFAULT_DESK) -> list[str]:
    """Draws the conclusions from every open check whose last item is settled, and closes it; returns the
    checks. Nothing is opened again in a task that is closed.
    """
    with read(store_engine) as session:
        done = check_items.list_finished(session, desk_id=desk_id)
    for check_id in done:
        finish_check(store_engine, check_id=check_id, clock=clock, desk_id=desk_id)
    return done


def finish_check(store_engine: Engine, *, check_id: str, clock: Clock, desk_id: str) -> None:
    with read(store_engine) as session:
        check = tasks.get_task(session, desk_id=desk_id, task_id=check_id)
        again = find_doubtful(session, check=check)
    for item_id in sorted(again):
        reopen_item(store_engine, item_id=item_id, clock=clock, desk_id=desk_id)
    with unit_of_work(store_engine) as session:
        tasks.change_task_state(
            session,
            desk_id=desk_id,
            task_id=check_id,
            state=tasks.CLOSED,
            actor=CHECKER,
            reason="",
            now=clock.now(),
        )


def find_doubtful(session: Session, *, check: Task) -> set[str]:
    """The items that a finished check gives to experts: those that are wrong, and all that were less sure
    where there may be too many wrong ones.
    """
    looked = check_items.list_settled(session, task_id=check.id)
    told = {item.subject_id: (item.outcome or {}).get("verdict") for item in looked}
    checked = [Checked(item.inclusion or 1.0, told[item.subject_id] == BAD) for item in looked]
    wrong = {item_id for item_id, verdict in told.items() if verdict == BAD}
    if estimate_errors(checked).is_within(check.error_limit):
        return wrong
    task = tasks.get_task(session, desk_id=check.desk_id, task_id=str(check.checks_task_id))
    settled = check_items.list_settled(session, task_id=task.id)
    confidences = weigh_again(session, task=task, settled=settled)
    return wrong | {
        item_id
        for item_id, confidence in confidences.items()
        if is_unsure(confidence, task.confidence) and told.get(item_id) != GOOD
    }


def reopen_item(store_engine: Engine, *, item_id: str, clock: Clock, desk_id: str) -> None:
    """Gives a settled item to experts, whose labels from now on alone decide it."""
    with unit_of_work(store_engine) as session:
        item = items.get_item(session, desk_id=desk_id, item_id=item_id)
        item = hold_item(session, item=item)
        task = tasks.get_task(session, desk_id=desk_id, task_id=item.task_id)
        if item.state == SETTLED and task.state != tasks.CLOSED:
            item.hidden = item.hidden | {REOPENED: clock.now().isoformat()}
            renew_item(session, task=task, item=item, now=clock.now())


def show_claim(item: Item) -> dict[str, Any]:
    """What an item shows with what it came to. Where it is a check, what that checked comes before it."""
    shown = dict(item.shown)
    before = [*shown.pop("before", []), shown.pop("claim")] if "claim" in shown else []
    return shown | ({"before": before} if before else {}) | {"claim": item.outcome}


def _make_task(task: Task, audience: str, *, seed: int, actor: str, now: datetime) -> Task:
    """One label an item: what a check tells is a share of many."""
    return Task(
        desk_id=task.desk_id,
        name=f"{task.name[:180]} / {audience}",
        kind=CHECK,
        state=tasks.OPEN,
        question=task.question | {"checks": task.kind},
        guideline=task.guideline,
        tier=TIERS_OF[audience],
        overlap_min=1,
        overlap_max=1,
        confidence=0.0,
        gold_share=0.0,
        error_limit=task.error_limit,
        checks_task_id=task.id,
        seed=seed,
        created_by=actor,
        created_at=now,
        opened_at=now,
    )


def _make_item(check: Task, item: Item, position: int, inclusion: float, now: datetime) -> Item:
    return Item(
        desk_id=check.desk_id,
        task_id=check.id,
        position=position,
        subject_kind=items.OF_ITEM,
        subject_id=item.id,
        conversation_id=item.conversation_id,
        conversation=item.conversation,
        language=item.language,
        shown=show_claim(item),
        tier=check.tier,
        inclusion=inclusion,
        created_at=now,
    )
