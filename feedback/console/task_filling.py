"""Choosing the items of a task on its page: what may be asked for, and how many a selection would add."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session
from werkzeug.datastructures import MultiDict

from feedback.console.tag_choice import list_tag_paths
from feedback.labelling.fill import MOST_ITEMS
from feedback.labelling.kinds import CHECK
from feedback.labelling.missed import has_missed
from feedback.labelling.selection import ItemSelection, list_subjects
from feedback.records.from_label import TAG
from feedback.store.engine import read
from feedback.store.label_subjects import list_present
from feedback.store.overview import list_languages
from feedback.store.runs import select_runs
from feedback.store.sources import list_sources
from feedback.store.tables import Run, Task
from feedback.store.tasks import CLOSED

LONGEST = 600
LAST_RUNS = 20


@dataclass(frozen=True)
class Choices:
    """What may be asked for, by wish."""

    sources: list[str]
    tags: list[str]
    languages: list[str]
    runs: Sequence[Run]  # those that list held-out picks their adapter did not predict, newest first


@dataclass(frozen=True)
class Preview:
    """How many items a selection finds that the task has not, and that it has; and how many a form adds."""

    selection: ItemSelection
    new: int
    present: int
    limit: int


def read_selection_choices(session: Session, *, task: Task, data_dir: Path) -> Choices | None:
    """None where a task takes no items by a selection."""
    if task.state == CLOSED or task.kind == CHECK:
        return None
    return Choices(
        [row.name for row in list_sources(session, desk_id=task.desk_id)],
        list_tag_paths(session, desk_id=task.desk_id),
        list_languages(session, desk_id=task.desk_id),
        [] if task.kind == TAG else _list_runs(session, desk_id=task.desk_id, data_dir=data_dir),
    )


def _list_runs(session: Session, *, desk_id: str, data_dir: Path) -> list[Run]:
    return [
        run for run in select_runs(session, desk_id=desk_id, limit=LAST_RUNS) if has_missed(data_dir, run.id)
    ]


def read_selection(asked: MultiDict[str, str]) -> ItemSelection:
    """The selection that the page's address names."""
    wishes: dict[str, Any] = {
        name: tuple(each.replace("\0", "")[:LONGEST] for each in asked.getlist(name) if each)
        for name in ("sources", "tags", "languages")
    }
    return ItemSelection(
        **wishes,
        contradictions="contradictions" in asked,
        weak="weak" in asked,
        report=asked.get("report", "").replace("\0", "")[:LONGEST],
    )


def preview(store_engine: Engine, *, data_dir: Path, task: Task, selection: ItemSelection) -> Preview:
    """Counts what the selection finds; what of it shows nothing that could be labelled is told once it is
    added.
    """
    found = list_subjects(
        store_engine, desk_id=task.desk_id, kind=task.kind, selection=selection, data_dir=data_dir
    )
    with read(store_engine) as session:
        held = list_present(session, task_id=task.id)
    alive = {each.key for each in found if not each.is_erased}
    new = len(alive - held)
    return Preview(selection, new, len(alive & held), min(new, MOST_ITEMS))
