"""Undoes an import as a whole: removes the rows that it added, so that the file can come in again, read
otherwise. What people have worked on since stays, and so does what has been built and trained: it is named.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from feedback.clock import Clock
from feedback.erasure.files import find_holders
from feedback.formats.errors import ImportAmbiguous, ImportNotFound, ImportRuns, ImportUndone
from feedback.store.engine import unit_of_work
from feedback.store.erasures import list_dataset_ids, list_members, list_runs_of
from feedback.store.imports import (
    RUNNING,
    count_kept,
    find_added,
    find_imports,
    mark_undone,
    name_state,
    remove_added,
)
from feedback.store.uploads import get_import


@dataclass(frozen=True)
class UndoneImport:
    """What was removed, and what is left of it elsewhere."""

    id: str
    file: str
    records: int
    conversations: int
    kept: int  # conversations that people have worked on since
    datasets: list[str] = field(default_factory=list)
    adapters: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def undo_import(
    store_engine: Engine, *, start: str, desk_id: str, data_dir: Path, clock: Clock
) -> UndoneImport:
    """Removes what an import added. `start` is its id or the first characters of it. Raises ImportRuns while
    it adds more.
    """
    with unit_of_work(store_engine) as session:
        found = find_imports(session, desk_id=desk_id, start=start) if start else []
        if not found:
            raise ImportNotFound(start)
        if len(found) > 1:
            raise ImportAmbiguous(start, [row.id for row in found])
        row = get_import(session, desk_id=desk_id, import_id=found[0].id, lock=True)
        if name_state(row, now=clock.now()) == RUNNING:
            raise ImportRuns(row.id)
        if row.undone_at is not None:
            raise ImportUndone(row.id, row.undone_at)
        added = find_added(session, row=row)
        kept = count_kept(session, row=row)
        members = list_members(session, subject=added)
        datasets = find_holders(data_dir, list_dataset_ids(session, desk_id=desk_id), members)
        runs = list_runs_of(session, dataset_ids=datasets)
        remove_added(session, added=added)
        mark_undone(session, row=row, now=clock.now())
        return UndoneImport(
            row.id,
            row.file,
            len(added.records),
            len(added.conversations),
            kept,
            datasets,
            sorted({run.adapter for run in runs if run.adapter}),
        )
