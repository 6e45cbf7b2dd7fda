"""Calls about tasks: make one, open, pause or close it, give it another guideline, and list them.

A labeller sees the open tasks that they may label in, with what is left for them; an expert sees all of them
with their progress.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Blueprint
from pydantic import Field, StringConstraints
from sqlmodel import Session

from feedback.api.routes import Read, Write, get, write
from feedback.api.schemas import Answer, Body, Name, Part, Query, TagPath, Time
from feedback.labelling.drafting import MAX_OVERLAP, draft_task
from feedback.labelling.labeller import Labeller, labeller_of
from feedback.labelling.progress import Progress, count_all_progress
from feedback.store import tasks
from feedback.store.items import count_items
from feedback.store.labels import count_labels
from feedback.store.reliabilities import list_reliabilities
from feedback.store.tables import Reliability, Task

bp = Blueprint("tasks", __name__)

LABELLERS = ("labeller", "agent", "expert")
EXPERTS = ("expert",)
TOLD_FROM = 10  # items whose answer is known, before people are told how often they are right
Guideline = Annotated[str, StringConstraints(max_length=20_000)]
Overlap = Annotated[int, Field(ge=1, le=MAX_OVERLAP)]
Kind = Literal["tag", "compare", "pick", "rate", "rewrite", "check"]


class NewQuestion(Part):
    text: Annotated[str, StringConstraints(max_length=1_000)] = Field(
        "", description="Empty: the kind's own."
    )
    tags: Annotated[list[TagPath], Field(max_length=100)] = Field(
        default_factory=list, description="Kind tag: only these and those below them; empty: all tags."
    )


class NewTask(Body):
    name: Name
    kind: Kind
    question: NewQuestion = Field(default_factory=NewQuestion)
    guideline: Guideline = ""
    tier: Annotated[int, Field(ge=0, le=2)] = Field(
        1, description="The lowest audience: 0 customers, 1 labellers and agents, 2 experts."
    )
    overlap_min: Overlap = Field(2, description="Labels that an item needs before it may settle.")
    overlap_max: Overlap = Field(5, description="Labels after which it is disputed.")
    confidence: Annotated[float, Field(ge=0, le=1)] = Field(0.9, description="From which an item settles.")
    gold_share: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    assigned: Annotated[list[Name], Field(max_length=200)] = Field(
        default_factory=list, description="Labellers by their key; empty: everybody of the tier."
    )
    due_at: Time | None = None


class NewState(Body):
    state: Literal["open", "paused", "closed"]
    reason: Annotated[str, StringConstraints(max_length=1_000)] = ""


class NewGuideline(Body):
    guideline: Guideline


class TaskState(Answer):
    task_id: str
    state: Literal["draft", "open", "paused", "closed"]


class GuidelineStored(Answer):
    guideline_version: int


class TaskProgress(Answer):
    """How far a task is. Items whose answer is known are not among them."""

    items: int
    waiting: int = Field(description="Their replies are being generated, or their texts checked.")
    open: int
    settled: int
    disputed: int
    dropped: int
    labels: int


class OwnAccuracy(Answer):
    """How often the caller is right in tasks of this kind, with its interval."""

    accuracy: float
    low: float
    high: float


class TaskShown(Answer):
    id: str
    name: str
    kind: str
    state: str
    question: dict[str, Any]
    guideline: str
    guideline_version: int
    due_at: datetime | None
    waiting: int = Field(description="Items that are left for the caller.")
    done: int = Field(description="Items that the caller has labelled.")
    accuracy: OwnAccuracy | None = Field(None, description="Null before ten items whose answer was known.")
    tier: int | None = Field(None, description="This and what follows: experts only.")
    overlap_min: int | None = None
    overlap_max: int | None = None
    confidence: float | None = None
    gold_share: float | None = None
    assigned: list[str] | None = None
    checks_task_id: str | None = None
    created_by: str | None = None
    created_at: datetime | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    progress: TaskProgress | None = None


class TaskList(Answer):
    tasks: list[TaskShown] = Field(description="Newest first.")


@write(bp, "/v1/tasks", roles=EXPERTS, body=NewTask, answer=TaskState)
def create_task(call: Write, body: NewTask) -> TaskState:
    """Draft a task: what is asked, of whom, and when an item is settled."""
    task = draft_task(
        call.session,
        desk_id=call.actor.desk_id,
        text=body.question.text,
        tags=body.question.tags,
        created_by=call.actor.agent_name(),
        now=call.now,
        **body.model_dump(exclude={"event_id", "question"}),
    )
    return TaskState(task_id=task.id, state="draft")


@get(bp, "/v1/tasks", roles=LABELLERS, answer=TaskList)
def list_own_tasks(call: Read[Query]) -> TaskList:
    """The tasks that the caller may label in; to experts all tasks, with their progress."""
    with call.read() as session:
        rows = tasks.list_tasks(
            session, desk_id=call.actor.desk_id, states=() if call.actor.may(EXPERTS) else (tasks.OPEN,)
        )
        shown = show_tasks(session, rows, call)
    return TaskList(tasks=shown)


@get(bp, "/v1/tasks/<task_id>", roles=LABELLERS, answer=TaskShown)
def show_one(call: Read[Query], task_id: str) -> TaskShown:
    """One task."""
    labeller = labeller_of(call.actor)
    with call.read() as session:
        task = tasks.get_task(session, desk_id=call.actor.desk_id, task_id=task_id)
        if not call.actor.may(EXPERTS):
            tasks.require_labeller(task, labeller=labeller.key, tier=labeller.tier)
        return show_tasks(session, [task], call)[0]


def show_tasks(session: Session, rows: list[Task], call: Read[Query]) -> list[TaskShown]:
    """These tasks, in as many queries whatever their number."""
    labeller, sees_all = labeller_of(call.actor), call.actor.may(EXPERTS)
    theirs = [row for row in rows if sees_all or is_task_for(row, labeller)]
    ids = [row.id for row in theirs]
    own = count_all_progress(session, tasks=theirs, labeller=labeller, now=call.now)
    known = list_reliabilities(session, desk_id=call.actor.desk_id, labeller=labeller.key)
    of_kind = {each.kind: each for each in known}
    told = [show_task(row, labeller, own[row.id], of_kind.get(row.kind)) for row in theirs]
    if not sees_all:
        return told
    items, labels = count_items(session, task_ids=ids), count_labels(session, task_ids=ids)
    more = set(TaskShown.model_fields) - {"id", "waiting", "done", "accuracy", "progress"}
    shown = []
    for row, task in zip(theirs, told, strict=True):
        counts = items[row.id]
        progress = TaskProgress(**counts, items=sum(counts.values()), labels=labels[row.id])
        shown.append(task.model_copy(update=row.model_dump(include=more) | {"progress": progress}))
    return shown


def is_task_for(task: Task, labeller: Labeller) -> bool:
    return labeller.tier >= task.tier and tasks.is_assigned(task, labeller=labeller.key)


def show_task(row: Task, labeller: Labeller, own: Progress, known: Reliability | None) -> TaskShown:
    told = row.model_dump(
        include={"id", "name", "kind", "state", "question", "guideline", "guideline_version", "due_at"}
    )
    left = own.left if is_task_for(row, labeller) else 0
    return TaskShown(**told, waiting=left, done=own.done, accuracy=tell_accuracy(known))


def tell_accuracy(known: Reliability | None) -> OwnAccuracy | None:
    """How often the labeller is right, as it is told to them once enough known answers say so."""
    if known is None or known.gold_correct + known.gold_wrong < TOLD_FROM:
        return None
    return OwnAccuracy(accuracy=known.accuracy, low=known.low, high=known.high)


@write(bp, "/v1/tasks/<task_id>/state", roles=EXPERTS, body=NewState, answer=TaskState, status=200)
def set_task_state(call: Write, body: NewState, task_id: str) -> TaskState:
    """Open, pause or close a task; what is closed stays closed."""
    task = tasks.change_task_state(
        call.session,
        desk_id=call.actor.desk_id,
        task_id=task_id,
        state=body.state,
        actor=call.actor.name,
        reason=body.reason,
        now=call.now,
    )
    return TaskState(task_id=task.id, state=body.state)


@write(
    bp,
    "/v1/tasks/<task_id>/guideline",
    roles=EXPERTS,
    body=NewGuideline,
    answer=GuidelineStored,
    status=200,
)
def give_guideline(call: Write, body: NewGuideline, task_id: str) -> GuidelineStored:
    """Give a task another guideline; labels from now on name its next version."""
    task = tasks.change_guideline(
        call.session,
        desk_id=call.actor.desk_id,
        task_id=task_id,
        guideline=body.guideline,
        actor=call.actor.name,
        now=call.now,
    )
    return GuidelineStored(guideline_version=task.guideline_version)
