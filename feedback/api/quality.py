"""What a task's labels are worth: progress, agreement, versions of the guideline and checks."""

from typing import Any

from flask import Blueprint
from pydantic import Field

from feedback.api.routes import Read, get
from feedback.api.schemas import Answer, Query
from feedback.labelling.agreement import Agreement
from feedback.labelling.quality import CheckFigures, Quality, VersionFigures, read_quality
from feedback.store.engine import get_row
from feedback.store.tables import Task

bp = Blueprint("quality", __name__)


class TierProgress(Answer):
    tier: int = Field(
        description="Who labels these items now: 0 customers, 1 labellers and agents, 2 experts."
    )
    open: int
    settled: int
    disputed: int


class ConfusionShown(Answer):
    """Which two answers cost most agreement."""

    one: str = Field(description="Of tags: empty where one person gave a tag more than the other.")
    other: str
    count: int = Field(description="Pairs of labels that differ in these two.")
    differences: int = Field(description="All pairs of labels that differ.")


class AgreementShown(Answer):
    alpha: float | None = Field(description="Krippendorff's; null where nothing could differ.")
    low: float | None = Field(description="Of its 95 % interval; null below 30 items.")
    high: float | None
    grade: str | None = Field(description="firm, usable or unclear; null below 30 items.")
    items: int = Field(description="Items that two people labelled without having seen each other's labels.")
    labels: int
    confusion: ConfusionShown | None


class VersionShown(Answer):
    version: int = Field(description="Of the guideline.")
    labels: int
    median_seconds: float | None
    agreement: AgreementShown | None


class CheckShown(Answer):
    task_id: str
    tier: int = Field(description="1: a cross re-check; 2: a spot check by experts.")
    drawn: int
    checked: int
    wrong: int
    error_rate: float | None = Field(description="Among all settled items, as estimated.")
    low: float
    high: float


class TaskQuality(Answer):
    task_id: str
    sealed: bool = Field(description="Its items compare arms: only progress is told before it is closed.")
    items: int = Field(description="Without those that were dropped.")
    settled: int
    dropped: int
    tiers: list[TierProgress]
    labels: int
    labels_an_item: float | None = Field(description="That a settled item took.")
    labels_left: int = Field(description="As estimated by those that are settled.")
    hours_left: float | None = Field(description="At the rate of the last seven days.")
    agreement: AgreementShown | None = Field(description="Null for texts, which have no answers to compare.")
    by_tag: dict[str, AgreementShown] = Field(
        description="On each tag alone, given or not: the 12 that were given most."
    )
    versions: list[VersionShown]
    checks: list[CheckShown]


@get(bp, "/v1/tasks/<task_id>/quality", roles=("expert",), answer=TaskQuality)
def read_quality_call(call: Read[Query], task_id: str) -> TaskQuality:
    """How far a task is, whether its labellers agree, and what checks say of it."""
    with call.read() as session:
        task = get_row(session, Task, task_id, desk_id=call.actor.desk_id, what="task")
        return show_quality(task, read_quality(session, task=task, now=call.now))


def show_quality(task: Task, quality: Quality) -> TaskQuality:
    progress = quality.progress
    return TaskQuality(
        task_id=task.id,
        sealed=quality.is_sealed,
        items=progress.items,
        settled=progress.settled,
        dropped=progress.dropped,
        tiers=[show_tier(tier, states) for tier, states in progress.tiers.items()],
        labels=progress.labels,
        labels_an_item=progress.labels_an_item,
        labels_left=progress.labels_left,
        hours_left=progress.hours_left,
        agreement=show_agreement(quality.agreement),
        by_tag={tag: show_measured(found) for tag, found in quality.by_tag.items()},
        versions=[show_version(each) for each in quality.versions],
        checks=[tell_check(each) for each in quality.checks],
    )


def show_tier(tier: int, states: Any) -> TierProgress:
    counts = {state: states.get(state, 0) for state in ("open", "settled", "disputed")}
    return TierProgress(tier=tier, **counts)


def show_agreement(found: Agreement | None) -> AgreementShown | None:
    return show_measured(found) if found is not None else None


def show_measured(found: Agreement) -> AgreementShown:
    worst = found.confusion
    return AgreementShown(
        alpha=found.alpha,
        low=found.low,
        high=found.high,
        grade=found.grade,
        items=found.items,
        labels=found.labels,
        confusion=worst
        and ConfusionShown(
            one=str(worst.one), other=str(worst.other), count=worst.count, differences=worst.differences
        ),
    )


def show_version(figures: VersionFigures) -> VersionShown:
    return VersionShown(
        version=figures.version,
        labels=figures.labels,
        median_seconds=figures.seconds,
        agreement=show_agreement(figures.agreement),
    )


def tell_check(figures: CheckFigures) -> CheckShown:
    errors = figures.errors
    return CheckShown(
        task_id=figures.task.id,
        tier=figures.task.tier,
        drawn=figures.drawn,
        checked=errors.checked,
        wrong=errors.wrong,
        error_rate=errors.rate,
        low=errors.low,
        high=errors.high,
    )
