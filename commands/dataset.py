"""`rejoinder dataset`: build an immutable dataset from the records, and list the datasets."""

from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy import Engine

from commands.errors import CommandFailed
from commands.frame import Frame, frame_options, json_option, print_json
from commands.progress import show_work
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.datasets.build import Selection, build_dataset
from feedback.store.datasets import select_datasets
from feedback.store.derived_records import count_stale, renew_all
from feedback.store.engine import read
from feedback.store.tables import DEFAULT_DESK, Dataset


@click.group("dataset")
def command() -> None:
    """Build an immutable dataset from what came in; list the datasets.

    \b
    rejoinder dataset build --source star
    rejoinder dataset list
    """


@command.command("build")
@frame_options
@click.option(
    "--source", "sources", multiple=True, help="Only records of this source; may be repeated  [default: all]."
)
@click.option("--tag", "tags", multiple=True, help="Only records with this tag; may be repeated.")
@click.option(
    "--since", type=click.DateTime(), default=None, help="Only records from this UTC day or time on."
)
@json_option
def build(
    frame: Frame, sources: tuple[str, ...], tags: tuple[str, ...], since: datetime | None, as_json: bool
) -> None:
    """Build a dataset and print its id as the last line. Equal records give an equal id.

    \b
    rejoinder dataset build
    ID=$(rejoinder dataset build --source star --since 2026-01-01 | tail -n 1)
    """
    selection = Selection(sources=sources, tags=tags, since=since.replace(tzinfo=UTC) if since else None)
    with open_store(frame) as engine, show_work("preparing", "records", quiet=as_json) as work:
        info = build_dataset(
            engine,
            desk_id=DEFAULT_DESK,
            data_dir=frame.data_dir,
            selection=selection,
            clock=SystemClock(),
            on_record=lambda step, done, total: work.tell(done, total, step=step),
        )
    if as_json:
        print_json({"id": info.id, "counts": info.counts, "refusals": info.refusals, "path": str(info.path)})
        return
    for what, count in flatten(info.counts):
        click.echo(f"{count:>8}  {what}", err=True)
    for reason, count in sorted(info.refusals.items()):
        click.echo(f"{count:>8}  refused: {reason}", err=True)
    click.echo(info.id)


def flatten(counts: dict[str, Any], prefix: str = "") -> list[tuple[str, int]]:
    """`{"pairs": {"train": 3}}` as `[("pairs train", 3)]`."""
    rows: list[tuple[str, int]] = []
    for name, value in counts.items():
        rows += (
            flatten(value, f"{prefix}{name} ") if isinstance(value, dict) else [(f"{prefix}{name}", value)]
        )
    return rows


@command.command("list")
@frame_options
@json_option
def list_(frame: Frame, as_json: bool) -> None:
    """List datasets, newest first.

    \b
    rejoinder dataset list --json
    """
    with open_store(frame) as engine, read(engine) as session:
        rows = select_datasets(session, desk_id=DEFAULT_DESK)
    if as_json:
        print_json({"datasets": [row.model_dump(mode="json") for row in rows]})
        return
    for row in rows:
        shown = ", ".join(f"{count} {what}" for what, count in flatten(row.counts)[:6])
        click.echo(f"{row.id[:16]}  {row.created_at:%Y-%m-%d %H:%M}  {shown}")
    if not rows:
        click.echo("No datasets yet: rejoinder dataset build")


@command.command("rederive")
@frame_options
@json_option
def rederive(frame: Frame, as_json: bool) -> None:
    """Make the training records of judgements and thumbs again, if older rules made them or they are missing.

    \b
    rejoinder dataset rederive

    The service may go on meanwhile, and what is interrupted goes on where it was. Every build does the same
    first.
    """
    with open_store(frame) as engine, show_work("renewing", "records", quiet=as_json) as work:
        with read(engine) as session:
            stale = count_stale(session)
        renew_all(engine, on_page=lambda count: work.tell(work.done + count, stale, step="renewing"))
    if as_json:
        print_json({"renewed": stale})
        return
    click.echo(f"{stale} records were renewed." if stale else "All records are of the rules of today.")


def find_dataset(engine: Engine, name: str) -> Dataset:
    """The dataset whose id begins with this text of at least six characters; only one may match."""
    with read(engine) as session:
        rows = select_datasets(session, desk_id=DEFAULT_DESK, limit=100_000)
    found = [row for row in rows if row.id == name or (len(name) >= 6 and row.id.startswith(name))]
    if len(found) != 1:
        what = "no dataset" if not found else f"{len(found)} datasets"
        raise CommandFailed(f"There is {what} {name!r}: `rejoinder dataset list` names them.")
    return found[0]
