"""What is known of a task's labels: how far it is, whether people agree, what a new guideline changed, and
what checks say. Reads the store and writes nothing.

Of a task that compares arms only its progress is told before it is closed, so that nobody is swayed.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlmodel import Session

from feedback.labelling.agreement import NOMINAL, ORDINAL, SETS, Agreement, measure_agreement, measure_tags
from feedback.labelling.checks import Checked, ErrorRate, estimate_errors
from feedback.labelling.kinds import BAD, CHECK, GOOD, PREFERENCES, SCORES, answer_of
from feedback.records.from_label import COMPARE, PICK, RATE, TAG
from feedback.records.item_states import DROPPED, SETTLED
from feedback.store import label_counts
from feedback.store.exclusions import read_excluded
from feedback.store.label_counts import DwellOnLabel, GivenLabel
from feedback.store.labels import BLIND
from feedback.store.tables import Task
from feedback.store.tasks import CLOSED, OPEN

RECENT = timedelta(days=7)  # whose rate is the present one
SHORTEST = timedelta(hours=1)  # that a rate is taken over
ENOUGH_SETTLED = 10  # from which on what an item takes is known by those that are settled
TAGS_SHOWN = 12  # whose agreement is told alone
# How far apart two answers are; texts have no answers to compare.
DISTANCES = {TAG: SETS, PICK: SETS, COMPARE: NOMINAL, CHECK: NOMINAL, RATE: ORDINAL}

# Their answers in order; of sets there are too many to name.
CLASSES: Mapping[str, Sequence[Hashable]] = {COMPARE: PREFERENCES, CHECK: (GOOD, BAD), RATE: SCORES}

Tiers = Mapping[tuple[int, str], int]


@dataclass(frozen=True)
class QualityProgress:
    """`tiers` counts items by tier and state without those that were dropped. `hours_left` is None where the
    task is not open, nothing is left, or nobody has labelled lately.
    """

    tiers: Mapping[int, Mapping[str, int]]
    items: int
    settled: int
    dropped: int
    labels: int = 0
    labels_an_item: float | None = None
    labels_left: int = 0
    hours_left: float | None = None


@dataclass(frozen=True)
class VersionFigures:
    """What was labelled under one version of the guideline."""

    version: int
    labels: int
    seconds: float | None
    agreement: Agreement | None


@dataclass(frozen=True)
class CheckFigures:
    """A task that checks this one: whom it asks, and what it says so far."""

    task: Task
    drawn: int
    errors: ErrorRate


@dataclass(frozen=True)
class Quality:
    """`is_sealed`: its items compare arms and it is not closed, so the rest is empty. `by_tag`: of each tag
    alone, those that were given most first.
    """

    progress: QualityProgress
    is_sealed: bool = False
    agreement: Agreement | None = None
    by_tag: Mapping[str, Agreement] = field(default_factory=dict)
    versions: Sequence[VersionFigures] = ()
    checks: Sequence[CheckFigures] = ()


def read_quality(session: Session, *, task: Task, now: datetime) -> Quality:
    """Everything that is known of a task."""
    counts = label_counts.count_tiers(session, desk_id=task.desk_id, task_ids=[task.id])
    given = label_counts.list_given(session, desk_id=task.desk_id, task_id=task.id)
    recent = label_counts.count_labels_since(
        session, desk_id=task.desk_id, task_id=task.id, since=begin_rate(task, now)
    )
    progress = measure_progress(task, counts.get(task.id, {}), given, recent=recent, now=now)
    if is_sealed(session, task):
        return Quality(progress, is_sealed=True)
    counted = leave_out_excluded(session, task, given)
    return Quality(
        progress,
        agreement=measure_quality(task, counted),
        by_tag=measure_each_tag(task, counted),
        versions=compare_versions(task, counted),
        checks=read_checks(session, task),
    )


def leave_out_excluded(session: Session, task: Task, given: Iterable[GivenLabel]) -> list[GivenLabel]:
    excluded = read_excluded(session, desk_id=task.desk_id, kind=task.kind)
    return [label for label in given if label.labeller not in excluded]


def is_sealed(session: Session, task: Task) -> bool:
    return task.state != CLOSED and label_counts.holds_arms(session, task_id=task.id)


def tell_items(counts: Tiers) -> QualityProgress:
    """The items alone."""
    tiers: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for (tier, state), count in counts.items():
        if state != DROPPED:
            tiers[tier][state] += count
    ordered = {tier: dict(tiers[tier]) for tier in sorted(tiers)}
    items = sum(states.total() for states in tiers.values())
    settled = sum(states[SETTLED] for states in tiers.values())
    dropped = sum(count for (_, state), count in counts.items() if state == DROPPED)
    return QualityProgress(ordered, items, settled, dropped)


def measure_progress(
    task: Task, counts: Tiers, given: Sequence[GivenLabel], *, recent: int, now: datetime
) -> QualityProgress:
    """`recent` is the number of labels since `begin_rate`."""
    plain = tell_items(counts)
    asked = [label for label in given if not label.is_gold and label.state != DROPPED]
    took = Counter(label.item_id for label in asked if label.state == SETTLED)
    has = Counter(label.item_id for label in asked if label.state != SETTLED)
    an_item = took.total() / len(took) if took else None
    wanted = an_item if an_item is not None and len(took) >= ENOUGH_SETTLED else float(task.overlap_min)
    waiting = plain.items - plain.settled
    left = sum(max(1.0, wanted - count) for count in has.values()) + wanted * (waiting - len(has))
    span = now - begin_rate(task, now)
    an_hour = recent / (max(span, SHORTEST) / timedelta(hours=1))
    hours = left / an_hour if task.state == OPEN and left > 0 and an_hour > 0 else None
    return QualityProgress(
        plain.tiers, plain.items, plain.settled, plain.dropped, len(given), an_item, round(left), hours
    )


def begin_rate(task: Task, now: datetime) -> datetime:
    """Since when labels count for the present rate: the last seven days, or since the task was opened."""
    return max(task.opened_at or task.created_at, now - RECENT)


def gather(task: Task, given: Iterable[GivenLabel]) -> list[list[Hashable]]:
    return list(gather_by_item(task, given).values())


def gather_by_item(task: Task, given: Iterable[GivenLabel]) -> Mapping[str, list[Hashable]]:
    """The answers to each item that people gave without having seen one another's; gold is left out: it is
    given to many, and its items were chosen.
    """
    by_item: defaultdict[str, list[Hashable]] = defaultdict(list)
    for label in given:
        answer = answer_of(task.kind, dict(label.value))
        if label.seen == BLIND and not label.is_gold and label.state != DROPPED and answer is not None:
            by_item[label.item_id].append(answer)
    return by_item


def measure_quality(task: Task, given: Iterable[GivenLabel]) -> Agreement | None:
    """The agreement of a task's labels; None where a kind has no answers to compare (texts)."""
    distance = DISTANCES.get(task.kind)
    if distance is None:
        return None
    return measure_agreement(gather(task, given), distance, classes=CLASSES.get(task.kind, ()))


def measure_each_tag(task: Task, given: Iterable[GivenLabel]) -> Mapping[str, Agreement]:
    """The agreement on each of the tags that were given most; nothing for other kinds."""
    if task.kind != TAG:
        return {}
    items: list[list[Any]] = gather(task, given)
    return measure_tags(items, list_most_given(items))


def list_most_given(items: Iterable[Iterable[Iterable[str]]]) -> list[str]:
    """The tags that were given most, first the most frequent one."""
    times = Counter(tag for labels in items for label in labels for tag in label)
    return sorted(times, key=lambda tag: (-times[tag], tag))[:TAGS_SHOWN]


def compare_versions(task: Task, given: Sequence[GivenLabel]) -> list[VersionFigures]:
    """By version of the guideline, oldest first. An item counts for a version's agreement where two people
    labelled it under this version.
    """
    by_version: defaultdict[int, list[GivenLabel]] = defaultdict(list)
    for label in given:
        by_version[label.guideline_version].append(label)
    return [
        VersionFigures(version, len(labels), median_seconds(labels), measure_quality(task, labels))
        for version, labels in sorted(by_version.items())
    ]


def median_seconds(given: Iterable[GivenLabel | DwellOnLabel]) -> float | None:
    dwelt = [label.dwell_ms / 1_000 for label in given if label.dwell_ms is not None]
    return median(dwelt) if dwelt else None


def read_checks(session: Session, task: Task) -> list[CheckFigures]:
    """The tasks that check this one, newest first, each with its estimate. What nobody could tell counts for
    neither side.
    """
    checks = label_counts.list_check_tasks(session, desk_id=task.desk_id, task_id=task.id)
    ids = [check.id for check in checks]
    counts = label_counts.count_tiers(session, desk_id=task.desk_id, task_ids=ids)
    looked: defaultdict[str, list[Checked]] = defaultdict(list)
    for item in label_counts.list_checked(session, desk_id=task.desk_id, task_ids=ids):
        verdict = item.outcome.get("verdict")
        if verdict in (GOOD, BAD):
            looked[item.task_id].append(Checked(item.inclusion, verdict == BAD))
    return [
        CheckFigures(check, tell_items(counts.get(check.id, {})).items, estimate_errors(looked[check.id]))
        for check in checks
    ]
