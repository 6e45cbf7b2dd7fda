"""`rejoinder task`: tasks of labelling: add, fill, open, pause, close and list them."""

import sys
from pathlib import Path
from typing import Any

import click

from commands.counts import count_nouns
from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.reasons import reason_option
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.labelling.drafting import draft_task
from feedback.labelling.fill import MOST_ITEMS, Filling
from feedback.labelling.kinds import CHECK, KINDS
from feedback.labelling.selection import ItemSelection
from feedback.store import tasks
from feedback.store.engine import read, unit_of_work
from feedback.store.items import count_items
from feedback.store.labels import count_labels
from feedback.store.tables import DEFAULT_DESK, Task

ACTOR = "command line"
ASKED = [kind for kind in KINDS if kind != CHECK]  # checks are drawn from what a task has settled


@click.group("task")
def command() -> None:
    """Let people label: add tasks, fill them with items, open, pause and close them.

    \b
    rejoinder task add "What is it about?" --kind tag --tag billing
    rejoinder task fill TASK --source live --language en --limit 500
    rejoinder task open TASK
    rejoinder task list
    """


@command.command("list")
@frame_options
@json_option
def list_tasks_command(frame: Frame, as_json: bool) -> None:
    """List the tasks, newest first, with their items by state and their labels.

    \b
    rejoinder task list --json | jq '.tasks[] | select(.state == "open").id'
    """
    with open_store(frame) as engine, read(engine) as session:
        rows = tasks.list_tasks(session, desk_id=DEFAULT_DESK)
        ids = [row.id for row in rows]
        items, labels = count_items(session, task_ids=ids), count_labels(session, task_ids=ids)
    if as_json:
        told = ("id", "name", "kind", "state")
        print_json(
            {
                "tasks": [
                    {name: getattr(row, name) for name in told}
                    | {"items": items[row.id], "labels": labels[row.id]}
                    for row in rows
                ]
            }
        )
        return
    for row in rows:
        click.echo(describe_task(row, items[row.id], labels[row.id]))
    if not rows:
        click.echo("No tasks yet: rejoinder task add NAME --kind KIND")


def describe_task(row: Task, items: dict[str, int], labels: int) -> str:
    done = f"{items['settled']} of {count_nouns(sum(items.values()), 'item')} settled"
    return f"{row.id}  {row.kind}, {row.state}, {done}, {count_nouns(labels, 'label')}  {row.name}"


@command.command("add")
@frame_options
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(ASKED),
    required=True,
    help="What it asks.",
)
@click.option("--question", default="", help="Its words  [default: those of the kind].")
@click.option("--tag", "tags", multiple=True, help="Kind tag: offer this one and those below it; repeatable.")
@click.option("--guideline", type=click.Path(dir_okay=False), help="A file; - reads standard input.")
@click.option(
    "--tier", type=click.IntRange(0, 2), default=1, show_default=True, help="0 customers, 2 experts."
)
@click.option(
    "--overlap", nargs=2, type=int, default=(2, 5), show_default=True, help="Least and most labels."
)
@click.option("--assign", "assigned", multiple=True, help="Only this labeller, by key; repeatable.")
@json_option
def add_task_command(
    frame: Frame,
    name: str,
    kind: str,
    question: str,
    tags: tuple[str, ...],
    guideline: str | None,
    tier: int,
    overlap: tuple[int, int],
    assigned: tuple[str, ...],
    as_json: bool,
) -> None:
    """Add the task NAME as a draft, and print its id.

    \b
    rejoinder task add "Which is better?" --kind compare --guideline guideline.md
    rejoinder task add "What is it about?" --kind tag --tag billing --overlap 2 4
    """
    rules: dict[str, Any] = {"overlap_min": overlap[0], "overlap_max": overlap[1], "assigned": list(assigned)}
    with open_store(frame) as engine, unit_of_work(engine) as session:
        task = draft_task(
            session,
            desk_id=DEFAULT_DESK,
            name=name,
            kind=kind,
            text=question,
            tags=list(tags),
            guideline=read_guideline(guideline),
            tier=tier,
            created_by=ACTOR,
            now=SystemClock().now(),
            **rules,
        )
    if as_json:
        print_json({"id": task.id, "state": task.state})
        return
    click.echo(f"A draft; next: rejoinder task fill {task.id}", err=True)
    click.echo(task.id)


def read_guideline(path: str | None) -> str:
    if path is None:
        return ""
    return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")


@command.command("fill")
@frame_options
@click.argument("task_id", metavar="TASK")
@click.option("--source", "sources", multiple=True, help="Only of this source; repeatable.")
@click.option("--tag", "tags", multiple=True, help="Only with this tag or one below it; repeatable.")
@click.option("--language", "languages", multiple=True, help="Only in this language; repeatable.")
@click.option("--contradictions", is_flag=True, help="Only what the last dataset build found to contradict.")
@click.option("--weak", is_flag=True, help="Only tags in which what serves is picked in less than half.")
@click.option(
    "--report",
    metavar="RUN",
    default="",
    help="Only held-out picks that this run's adapter did not predict, worst first.",
)
@click.option("--limit", type=click.IntRange(1, MOST_ITEMS), default=1_000, show_default=True)
@json_option
def fill_task_command(
    frame: Frame,
    task_id: str,
    sources: tuple[str, ...],
    tags: tuple[str, ...],
    languages: tuple[str, ...],
    contradictions: bool,
    weak: bool,
    report: str,
    limit: int,
    as_json: bool,
) -> None:
    """Fill TASK with items; the same selection again adds what is new. Exit code 3 if nothing is.

    \b
    rejoinder task fill TASK --source live --language zh --limit 500
    rejoinder task fill TASK --tag billing/refund --weak
    rejoinder task fill TASK --report RUN --limit 50
    """
    selection = ItemSelection(sources, tags, languages, contradictions, weak, report)
    with open_store(frame) as engine:
        filling = Filling(engine, frame.data_dir, DEFAULT_DESK, SystemClock().now())
        filled = filling.fill(task_id, selection, limit=limit)
    if as_json:
        print_json({"added": filled.added, "skipped": filled.skipped, "refused": dict(filled.refused)})
    else:
        click.echo(f"Added {count_nouns(filled.added, 'item')}; {filled.skipped} were there already.")
        for reason, count in sorted(filled.refused.items()):
            click.echo(f"  {count} refused: {reason}")
    if not filled.added:
        raise NothingToDo("Nothing new to label.")


@command.command("open")
@frame_options
@click.argument("task_id", metavar="TASK")
def open_task_command(frame: Frame, task_id: str) -> None:
    """Open TASK: people label from now on.

    \b
    rejoinder task open TASK
    """
    change_state(frame, task_id, tasks.OPEN, "")


@command.command("pause")
@frame_options
@click.argument("task_id", metavar="TASK")
@reason_option
def pause_task_command(frame: Frame, task_id: str, reason: str) -> None:
    """Pause TASK: it hands out and takes nothing until it is opened again.

    \b
    rejoinder task pause TASK --reason "the guideline is wrong"
    """
    change_state(frame, task_id, tasks.PAUSED, reason)


@command.command("close")
@frame_options
@click.argument("task_id", metavar="TASK")
@reason_option
def close_task_command(frame: Frame, task_id: str, reason: str) -> None:
    """Close TASK for ever.

    \b
    rejoinder task close TASK --reason "enough"
    """
    change_state(frame, task_id, tasks.CLOSED, reason)


def change_state(frame: Frame, task_id: str, state: str, reason: str) -> None:
    """Changes the state and says so. Raises NothingToDo where it is that already."""
    with open_store(frame) as engine, unit_of_work(engine) as session:
        if tasks.get_task(session, desk_id=DEFAULT_DESK, task_id=task_id).state == state:
            raise NothingToDo(f"Task {task_id} is {state} already.")
        tasks.change_task_state(
            session,
            desk_id=DEFAULT_DESK,
            task_id=task_id,
            state=state,
            actor=ACTOR,
            reason=reason,
            now=SystemClock().now(),
        )
    click.echo(f"Task {task_id} is {state}.")
