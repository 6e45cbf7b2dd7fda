"""Tasks: drafted, opened, paused, closed; who may label in one. Keyword-only, session first, no commit.

draft -> open <-> paused -> closed      and from each of them -> closed, which lasts
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import bindparam
from sqlmodel import Session, col

from feedback.errors import ApiError, Conflict, NotFound
from feedback.store.definition_changes import add_definition_change
from feedback.store.engine import get_row, of_desk, save_row
from feedback.store.tables import Task

TASK_KIND = "task"  # of the rows of `change`
TASK_ADDED = "add"  # what was done to a task, in such a row
OF_REWRITES = "rewrites"  # of the selection of a task: it checks what is written in this other one
DRAFT, OPEN, PAUSED, CLOSED = "draft", "open", "paused", "closed"
# Every label and every claim asks this: it is made once.
_SHARED = (
    of_desk(Task, bindparam("of_desk"))  # type: ignore[arg-type]
    .where(col(Task.id) == bindparam("task_id"))
    .with_for_update(read=True)
    .execution_options(populate_existing=True)
)


class TaskDraft(Conflict):
    def __init__(self, task_id: str) -> None:
        super().__init__(
            "task_draft",
            f"Task {task_id} is a draft: nobody labels in it yet.",
            f"Open it with POST /v1/tasks/{task_id}/state.",
        )


class TaskPaused(Conflict):
    def __init__(self, task_id: str) -> None:
        super().__init__(
            "task_paused",
            f"Task {task_id} is paused.",
            "Wait until an expert opens it again; what was not sent stays on the page.",
        )


class TaskClosed(Conflict):
    def __init__(self, task_id: str) -> None:
        super().__init__(
            "task_closed",
            f"Task {task_id} is closed, for ever.",
            "Go on with another task, or make a new one.",
        )


class TaskOfDuel(Conflict):
    def __init__(self, task_id: str, duel_id: str) -> None:
        super().__init__(
            "task_of_duel",
            f"Task {task_id} belongs to duel {duel_id}, which alone opens, closes and changes it.",
            f"POST /v1/duels/{duel_id}/close ends both.",
        )


class TaskOfRewrites(Conflict):
    def __init__(self, task_id: str, rewrites: str) -> None:
        super().__init__(
            "task_of_rewrites",
            f"Task {task_id} checks the texts of task {rewrites}, and is changed, paused or closed with it.",
            f"Change task {rewrites}: its task of checks follows.",
        )


class NotYourTier(ApiError):
    def __init__(self, task_id: str, tier: int) -> None:
        super().__init__(
            403,
            "not_your_tier",
            f"Task {task_id} is for labellers of tier {tier} and above.",
            "GET /v1/tasks lists the tasks that you may label in.",
        )


class NotAssigned(ApiError):
    def __init__(self, task_id: str, labeller: str) -> None:
        super().__init__(
            403,
            "not_assigned",
            f"Task {task_id} is assigned to others than {labeller}.",
            "GET /v1/tasks lists the tasks that you may label in.",
        )


def add_task(session: Session, *, task: Task) -> Task:
    """Adds a draft."""
    save_row(session, task)
    keep_task_change(session, task, TASK_ADDED, actor=task.created_by, reason="", now=task.created_at)
    return task


def get_task(session: Session, *, desk_id: str, task_id: str, lock: bool = False) -> Task:
    """The row of a task. Raises NotFound."""
    return get_row(session, Task, task_id, desk_id=desk_id, what="task", lock=lock)


def get_changeable_task(session: Session, *, desk_id: str, task_id: str, lock: bool = False) -> Task:
    """A task that people may fill and change. Raises NotFound, TaskOfDuel and TaskOfRewrites."""
    task = get_task(session, desk_id=desk_id, task_id=task_id, lock=lock)
    if "duel" in task.selection:
        raise TaskOfDuel(task_id, task.selection["duel"])
    if OF_REWRITES in task.selection:
        raise TaskOfRewrites(task_id, task.selection[OF_REWRITES])
    return task


def share_open_task(session: Session, *, desk_id: str, task_id: str) -> Task:
    """An open task, which nobody pauses or closes before the transaction ends; others may label in it at
    once. Raises NotFound, TaskDraft, TaskPaused, TaskClosed.
    """
    task = session.scalars(_SHARED, {"of_desk": desk_id, "task_id": task_id}).one_or_none()
    if task is None:
        raise NotFound("task", task_id)
    if task.state == DRAFT:
        raise TaskDraft(task_id)
    if task.state == PAUSED:
        raise TaskPaused(task_id)
    if task.state == CLOSED:
        raise TaskClosed(task_id)
    return task


def require_labeller(task: Task, *, labeller: str, tier: int) -> None:
    """Raises NotYourTier or NotAssigned where this labeller has no part in the task."""
    if tier < task.tier:
        raise NotYourTier(task.id, task.tier)
    if not is_assigned(task, labeller=labeller):
        raise NotAssigned(task.id, labeller)


def is_assigned(task: Task, *, labeller: str) -> bool:
    return not task.assigned or labeller in task.assigned


def list_tasks(session: Session, *, desk_id: str, states: Sequence[str] = (), limit: int = 200) -> list[Task]:
    """The tasks of a desk, newest first."""
    query = of_desk(Task, desk_id).order_by(col(Task.created_at).desc(), col(Task.id)).limit(limit)
    if states:
        query = query.where(col(Task.state).in_(states))
    return list(session.exec(query))


def change_task_state(
    session: Session, *, desk_id: str, task_id: str, state: str, actor: str, reason: str, now: datetime
) -> Task:
    """Opens, pauses or closes a task, and the one that checks what is written in it. Raises TaskOfDuel,
    TaskOfRewrites, TaskClosed, and TaskDraft where a draft is to pause.
    """
    task = get_changeable_task(session, desk_id=desk_id, task_id=task_id, lock=True)
    if task.state == state:
        return task
    if task.state == CLOSED:
        raise TaskClosed(task_id)
    if task.state == DRAFT and state == PAUSED:
        raise TaskDraft(task_id)
    for each in [task, *_lock_text_checks(session, task)]:
        each.state = state
        if state == OPEN:
            each.opened_at = each.opened_at or now
        if state == CLOSED:
            each.closed_at, each.closed_by = now, actor
        keep_task_change(session, each, state, actor=actor, reason=reason, now=now)
        save_row(session, each)
    return task


def name_text_checks(task_id: str) -> str:
    """The id of the task that checks what is written in this one."""
    return str(uuid5(NAMESPACE_OID, f"texts:{task_id}"))


def _lock_text_checks(session: Session, task: Task) -> list[Task]:
    """The task that checks what is written in this one, held; none before the first text."""
    checks = session.get(Task, name_text_checks(task.id), with_for_update={"key_share": True})
    return [] if checks is None else [checks]


def change_guideline(
    session: Session, *, desk_id: str, task_id: str, guideline: str, actor: str, now: datetime
) -> Task:
    """Gives a task another guideline, and the one that checks what is written in it; labels from now on name
    its next version. Raises TaskOfDuel, TaskOfRewrites and TaskClosed.
    """
    task = get_changeable_task(session, desk_id=desk_id, task_id=task_id, lock=True)
    if task.state == CLOSED:
        raise TaskClosed(task_id)
    if task.guideline == guideline:
        return task
    for each in [task, *_lock_text_checks(session, task)]:
        before = {"guideline": each.guideline, "version": each.guideline_version}
        each.guideline, each.guideline_version = guideline, each.guideline_version + 1
        keep_task_change(session, each, "guideline", actor=actor, reason="", now=now, before=before)
        save_row(session, each)
    return task


def keep_task_change(
    session: Session,
    task: Task,
    did: str,
    *,
    actor: str,
    reason: str,
    now: datetime,
    before: Mapping[str, Any] | None = None,
) -> None:
    what = {"did": did, "named": task.name, **({"before": dict(before)} if before else {})}
    add_definition_change(
        session,
        desk_id=task.desk_id,
        kind=TASK_KIND,
        key=task.id,
        what=what,
        actor=actor,
        reason=reason,
        now=now,
    )
