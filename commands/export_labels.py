"""`rejoinder export --format labels`: what people said in tasks, a row for each item and a column for each
labeller.
"""

import sys
from pathlib import Path

import click
from sqlmodel import Session

from commands.counts import count_nouns
from commands.frame import Frame, print_json
from commands.store import open_store
from feedback.errors import NotFound
from feedback.exports.files import write_pieces
from feedback.exports.labels import (
    iterate_items,
    list_exported,
    name_labellers,
    write_label_cells,
    write_label_lines,
)
from feedback.store.engine import read
from feedback.store.tables import DEFAULT_DESK, Task
from feedback.store.tasks import list_tasks

LABELS = "labels"
MOST_TASKS = 100_000


def export_labels(frame: Frame, named: str | None, out: Path | None, *, as_json: bool) -> None:
    with open_store(frame) as engine, read(engine) as session:
        asked = find_tasks(session, named)
        tasks = list_exported(session, asked)
        columns = name_labellers(session, desk_id=DEFAULT_DESK, task_ids=[task.id for task in tasks])
        rows = iterate_items(session, tasks, columns)
        is_table = out is not None and ".csv" in out.suffixes
        pieces = write_label_cells(rows, columns) if is_table else write_label_lines(rows)
        if out is None:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        else:
            write_pieces(out, pieces)
    left_out = len(asked) - len(tasks)
    if as_json:
        print_json({"out": str(out) if out else None, "tasks": len(tasks), "left_out": left_out})
    elif out is not None:
        labellers = len(set(columns.values()))
        click.echo(f"{out}: {count_nouns(len(tasks), 'task')}, {count_nouns(labellers, 'labeller')}")
    if left_out:
        said = f"{count_nouns(left_out, 'task')} left out: they compare two versions and are not closed yet."
        click.echo(said, err=True)


def find_tasks(session: Session, named: str | None) -> list[Task]:
    """All tasks, or those of this id or name."""
    tasks = list_tasks(session, desk_id=DEFAULT_DESK, limit=MOST_TASKS)
    if named is None:
        return tasks
    found = [task for task in tasks if named in (task.id, task.name)]
    if not found:
        raise NotFound("task", named)
    return found
