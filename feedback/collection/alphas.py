"""How far labellers agree on each tag, and on the tags of what came from each source: alpha alone, since its
interval takes seconds on a long history.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlmodel import Session

from feedback.labelling.agreement import NOMINAL, SETS, measure_alpha
from feedback.labelling.quality import gather_by_item, is_sealed, leave_out_excluded, list_most_given
from feedback.records.from_label import TAG
from feedback.store.collection_counts import read_item_sources
from feedback.store.label_counts import list_given
from feedback.store.tables import Task
from feedback.store.tasks import list_tasks

TASKS = 5  # the newest, that are looked into
Alphas = dict[str, float | None]


def read_alphas(session: Session, *, desk_id: str) -> tuple[Alphas, Alphas]:
    """By tag and by source, each by the newest task that asked for it."""
    tasks = [task for task in list_tasks(session, desk_id=desk_id) if task.kind == TAG]
    tags: Alphas = {}
    sources: Alphas = {}
    for task in sorted(tasks, key=lambda task: task.created_at)[-TASKS:]:
        if not is_sealed(session, task):
            items = gather_items(session, task)
            tags |= find_alphas_of_tags(list(items.values()))
            sources |= find_alphas_of_sources(items, read_item_sources(session, task_id=task.id))
    return tags, sources


def gather_items(session: Session, task: Task) -> dict[str, list[Any]]:
    """The sets of tags that people gave each item."""
    given = list_given(session, desk_id=task.desk_id, task_id=task.id)
    return dict(gather_by_item(task, leave_out_excluded(session, task, given)))


def find_alphas_of_tags(items: Sequence[Sequence[Any]]) -> Alphas:
    return {
        tag: measure_alpha([[tag in label for label in labels] for labels in items], NOMINAL)
        for tag in list_most_given(items)
    }


def find_alphas_of_sources(items: dict[str, list[Any]], sources: dict[str, str]) -> Alphas:
    by_source: defaultdict[str, list[Sequence[Any]]] = defaultdict(list)
    for item_id, labels in items.items():
        if item_id in sources:
            by_source[sources[item_id]].append(labels)
    return {source: measure_alpha(labelled, SETS) for source, labelled in by_source.items()}
