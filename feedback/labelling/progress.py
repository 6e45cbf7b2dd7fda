"""How far a labeller is in a task: what they have labelled, and what is left for them.

Gold is among what is left, so that none can be told by the count, but only what they will get: each item that
they get takes one off, and once nothing is left they get nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlmodel import Session

from feedback.labelling.claim import make_seeker
from feedback.labelling.gold import count_coming, list_gold_places
from feedback.labelling.labeller import Labeller
from feedback.store.assignments import CLAIMED, DONE, count_claims
from feedback.store.free_items import count_left
from feedback.store.tables import Task


@dataclass(frozen=True)
class Progress:
    """How many items of a task a labeller has labelled, and how many are left for them."""

    done: int
    left: int


@dataclass
class Remaining:
    """Items of a task by what their labeller has of them. What lapsed is theirs again and no new one."""

    held: int = 0
    again: int = 0
    new: int = 0
    gold: int = 0

    def add(self, count: int, *, is_gold: bool, had: str | None) -> None:
        if had == CLAIMED:
            self.held += count
        elif is_gold:
            self.gold += count
        elif had is None:
            self.new += count
        else:
            self.again += count


def count_progress(session: Session, *, task: Task, labeller: Labeller, now: datetime) -> Progress:
    return count_all_progress(session, tasks=[task], labeller=labeller, now=now)[task.id]


def count_all_progress(
    session: Session, *, tasks: Sequence[Task], labeller: Labeller, now: datetime
) -> dict[str, Progress]:
    """The progress in each of these tasks, in two queries for all of them."""
    ids = [task.id for task in tasks]
    given = count_claims(session, task_ids=ids, labeller=labeller.key)
    left = {task_id: Remaining() for task_id in ids}
    for task_id, is_gold, had, number in count_left(session, task_ids=ids, seeker=make_seeker(labeller, now)):
        left[task_id].add(number, is_gold=is_gold, had=had)
    return {
        task.id: Progress(
            given[task.id][DONE], sum_left(task, labeller, sum(given[task.id].values()), left[task.id])
        )
        for task in tasks
    }


def sum_left(task: Task, labeller: Labeller, given: int, left: Remaining) -> int:
    """All that a labeller will get who got `given` items, unless others are faster."""
    places = list_gold_places(given, share=task.gold_share, seed=str(task.seed), labeller=labeller.key)
    gold = count_coming(islice(places, left.gold), given=given, others=left.new)
    return left.held + left.again + left.new + gold
