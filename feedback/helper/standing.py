"""How the helper stands: what it has used of today, whether it may be asked, and where it is trusted. Reads
the store and writes nothing; nothing of an item is told, so it may be read by those who label.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from feedback.helper.kappa import Kappa, set_bar
from feedback.helper.outcome import name_answerer
from feedback.helper.rest import find_pause
from feedback.helper.settings import HelperSettings
from feedback.helper.trust import compare_with_people, find_alpha
from feedback.store import helper_calls, helper_labels, tasks
from feedback.store.tables import HelperCall, HelperTrust, Task

SHOWN_TASKS, SHOWN_FAILURES = 20, 20


@dataclass(frozen=True)
class TaskStanding:
    """`states`: how often it said something, abstained, or gave no answer. `since`: its agreement with people
    over the items that count for trust by now. `trust`: the last decision, None before the first.
    """

    task: Task
    states: Mapping[str, int]
    settled_alone: int
    since: Kappa
    bar: float
    trust: HelperTrust | None


@dataclass(frozen=True)
class HelperStanding:
    """`model`: who answered last. `fits`: whether a request like the last one still fits into today."""

    requests: int
    tokens: int
    cost: float
    model: str | None
    rests_until: datetime | None
    fits: bool
    tasks: list[TaskStanding]
    failures: list[tuple[HelperCall, str | None]]


def read_helper_standing(
    session: Session, *, settings: HelperSettings, desk_id: str, now: datetime
) -> HelperStanding:
    day = now.date().isoformat()
    requests, cost = helper_calls.count_day(session, desk_id=desk_id, day=day)
    tokens = helper_calls.sum_tokens(session, desk_id=desk_id, day=day)
    last = helper_calls.find_last_answer(session, desk_id=desk_id, host=settings.host)
    model = None if last is None else name_answerer(last)
    return HelperStanding(
        requests,
        tokens,
        cost,
        model,
        find_pause(session, desk_id=desk_id, host=settings.host, now=now),
        last is None or tokens + last.reserved <= settings.daily_tokens,
        [] if model is None else list_standings(session, model=model, desk_id=desk_id),
        helper_calls.list_failed(session, desk_id=desk_id, limit=SHOWN_FAILURES),
    )


def list_standings(session: Session, *, model: str, desk_id: str) -> list[TaskStanding]:
    """The last tasks in which it was asked about items, newest first."""
    counts = helper_labels.count_states(session, desk_id=desk_id)
    helped = [task for task in tasks.list_tasks(session, desk_id=desk_id) if task.id in counts]
    return [
        TaskStanding(
            task,
            counts[task.id],
            len(helper_labels.list_settled_by_helper(session, task_id=task.id)),
            compare_with_people(session, task=task, model=model)[0],
            set_bar(find_alpha(session, task=task)),
            helper_labels.find_trust(session, task_id=task.id),
        )
        for task in helped[:SHOWN_TASKS]
    ]
