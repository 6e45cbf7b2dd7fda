"""Where an item stands, by the labels that count today: written into it whenever one comes or goes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from feedback.canonical import canonical_json
from feedback.labelling.derive import derive_item_record
from feedback.labelling.kinds import GOOD, answer_of, list_answers, value_of
from feedback.labelling.labeller import TIERS
from feedback.labelling.posterior import FIRST_ACCURACY
from feedback.labelling.settle import (
    EXPERTS,
    SettlingRule,
    Standing,
    Vote,
    settle_by_experts,
    settle_rewrites,
    settle_votes,
)
from feedback.records.from_label import RATE, REWRITE
from feedback.records.item_states import SETTLED
from feedback.store import assignments, labels, reliabilities
from feedback.store.engine import save_row
from feedback.store.exclusions import read_excluded
from feedback.store.helper_labels import DOUBTED
from feedback.store.tables import Assignment, Item, Label, Task
from feedback.store.text_checks import list_text_checks

REOPENED = "reopened_at"  # among what is hidden of an item: when a check sent it to the experts


def renew_standing(session: Session, *, task: Task, item: Item, now: datetime) -> Standing:
    """Writes where the item stands: its state and tier, its outcome while it is settled, and what becomes of
    that. The caller holds the item, which is neither gold nor dropped.
    """
    before = item.state == SETTLED, item.outcome
    counted = list_counted_labels(session, task=task, item=item)
    standing = find_standing(session, task=task, item=item, counted=counted)
    item.state, item.tier = standing.state, standing.tier
    if standing.state != SETTLED:
        item.outcome = item.confidence = item.settled_at = item.settled_by = None
    else:
        adjudicators = [row.labeller for row in counted if row.seen == labels.OTHERS]
        item.outcome = tell_outcome(task.kind, standing)
        item.confidence, item.settled_at = standing.confidence, item.settled_at or now
        item.settled_by = adjudicators[-1] if adjudicators else None
    save_row(session, item)
    if (item.state == SETTLED, item.outcome) != before:
        derive_item_record(session, item=item)
    return standing


def find_standing(
    session: Session, *, task: Task, item: Item, counted: Sequence[Label] | None = None
) -> Standing:
    if counted is None:
        counted = list_counted_labels(session, task=task, item=item)
    votes = make_votes(session, task=task, counted=counted)
    rule = make_rule(task, item)
    is_reopened = REOPENED in item.hidden
    if task.kind == REWRITE:
        return settle_rewrites(votes, rule, is_reopened=is_reopened)
    return settle_by_experts(votes, rule) if is_reopened else settle_votes(votes, rule)


def was_shown_others(session: Session, *, task: Task, item: Item, own: Assignment) -> bool:
    """Whether a labeller was shown what others said of a dispute. Who lost their claim is shown nothing any
    more, so of theirs counts what had been said when they took it.
    """
    until = None if own.state == assignments.CLAIMED else own.created_at
    return list_others(session, task=task, item=item, until=until) is not None


def list_others(
    session: Session, *, task: Task, item: Item, until: datetime | None = None
) -> list[dict[str, Any]] | None:
    """What the experts said who were asked before, in the order of their texts; None unless they differ and
    the next one decides. `until`: as it was then.
    """
    counted = list_counted_labels(session, task=task, item=item)
    if until is not None:
        counted = [row for row in counted if row.created_at <= until]
    if not find_standing(session, task=task, item=item, counted=counted).shows_others:
        return None
    experts = [row for row in counted if TIERS.get(row.role, 0) >= EXPERTS]
    said = [(row.value or {}) | ({"text": row.text} if row.text is not None else {}) for row in experts]
    return sorted(said, key=canonical_json)


def list_counted_labels(session: Session, *, task: Task, item: Item) -> list[Label]:
    """The labels that say something of the item, in the order in which they came: those with a slot, and
    experts' of a dispute. Of an item that a check has opened again only those since; those that wait for a
    paused labeller to be trusted again, or were left out, do not count.
    """
    since = item.hidden.get(REOPENED)
    given = [
        row
        for row in labels.list_active_labels(session, item_ids=[item.id])
        if row.seen != labels.HELPER
        and (row.slot is not None or TIERS.get(row.role, 0) >= EXPERTS)
        and (since is None or row.created_at > datetime.fromisoformat(since))
    ]
    trusted = reliabilities.read_trusted_until(
        session, desk_id=task.desk_id, kind=task.kind, labellers={row.labeller for row in given}
    )
    excluded = read_excluded(session, desk_id=task.desk_id, kind=task.kind)
    return [
        row
        for row in given
        if row.labeller not in excluded
        and (row.labeller not in trusted or row.created_at <= trusted[row.labeller])
    ]


def make_votes(session: Session, *, task: Task, counted: Sequence[Label]) -> list[Vote]:
    accuracies = reliabilities.read_accuracies(
        session, desk_id=task.desk_id, kind=task.kind, labellers=[row.labeller for row in counted]
    )
    sureness = find_sureness(session, counted=counted) if task.kind == REWRITE else {}
    return [
        Vote(
            answer_of(task.kind, row.value or {}),
            accuracies.get(row.labeller, FIRST_ACCURACY),
            tier=TIERS.get(row.role, 0),
            has_slot=row.slot is not None,
            saw_others=row.seen == labels.OTHERS,
            text=row.text,
            sureness=sureness.get(row.id),
        )
        for row in counted
    ]


def find_sureness(session: Session, *, counted: Sequence[Label]) -> dict[str, float]:
    """How surely texts are correct, by label: 0 where they are not. None of those whose check is open."""
    found = {}
    for task_id, item_id in {(row.task_id, row.item_id) for row in counted}:
        for label_id, check in list_text_checks(session, task_id=task_id, item_id=item_id).items():
            if check.state == SETTLED and check.outcome is not None:
                found[label_id] = (check.confidence or 0.0) if check.outcome["verdict"] == GOOD else 0.0
    return found


def make_rule(task: Task, item: Item) -> SettlingRule:
    """What the task asks of this item."""
    return SettlingRule(
        max(task.overlap_min, item.hidden.get(DOUBTED, {}).get("least", 0)),
        task.overlap_max,
        task.confidence,
        list_answers(task.kind, question=task.question, shown=item.shown),
        tier=task.tier,
        ordinal=task.kind == RATE,
    )


def tell_outcome(kind: str, standing: Standing) -> dict[str, Any]:
    """The outcome as a value, with the text that says it."""
    value = value_of(kind, standing.label)
    return value if standing.text is None else value | {"text": standing.text}
