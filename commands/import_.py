"""`rejoinder import`: brings files and folders of known formats into the store, also those that come into a
watched folder, and undoes an import.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine

from commands.counts import count_nouns
from commands.errors import CommandFailed, NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.progress import show_work
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.erasure.undo import UndoneImport, undo_import
from feedback.formats.asked import Asked
from feedback.formats.errors import ColumnsMissing, ImportStopped, NothingRecognised
from feedback.formats.importer import import_file, measure_size, try_file
from feedback.formats.own import OWN
from feedback.formats.report import NOTES, ImportReport
from feedback.imports.folder import BroughtFile, FolderWatch
from feedback.imports.uploads import remove_upload
from feedback.store.engine import read
from feedback.store.imports import select_imports
from feedback.store.sources import list_sources
from feedback.store.tables import DEFAULT_DESK, Import


@click.command("import")
@frame_options
@click.argument("files", metavar="FILE...", nargs=-1)
@click.option(
    "--kind",
    type=click.Choice(tuple(OWN)),
    default=None,
    help="Read the lines as this form of ours  [default: found by content].",
)
@click.option("--source", default=None, help="Name of where it comes from, instead of what the records say.")
@click.option("--encoding", default=None, help="Encoding of the text  [default: found by content].")
@click.option(
    "--map", "columns", multiple=True, metavar="OURS=COLUMN", help="Columns of a CSV file; may be repeated."
)
@click.option("--dry-run", is_flag=True, help="Store nothing; show the first three records.")
@click.option(
    "--watch",
    "watched",
    metavar="[DIR]",
    is_flag=False,
    flag_value="",
    default=None,
    help="Import files as they come into DIR, without it into the folders of sources, until SIGTERM.",
)
@click.option("--list", "lists", is_flag=True, help="List the imports, newest first.")
@click.option("--undo", metavar="IMPORT", default=None, help="Remove what this import added.")
@json_option
def command(
    frame: Frame,
    files: tuple[str, ...],
    kind: str | None,
    source: str | None,
    encoding: str | None,
    columns: tuple[str, ...],
    dry_run: bool,
    watched: str | None,
    lists: bool,
    undo: str | None,
    as_json: bool,
) -> None:
    """Bring files of many tools into the store.

    What a file holds is found by its content and said: JSON, JSON lines, CSV, Parquet, a folder of them;
    plain, gzip or zip. A bad record never stops it: it is counted by its reason. The same file twice adds
    nothing.

    \b
    rejoinder import tickets.json --dry-run
    rejoinder import tickets.json chats.zip
    rejoinder import mails.csv --map text=body role=author_type conversation=thread
    rejoinder import choices.jsonl.gz --kind choices --source star
    rejoinder import --watch /srv/incoming --source tickets
    rejoinder import --undo 3f2a91c0
    """
    if lists or undo:
        if files:
            raise click.UsageError("--list and --undo take no FILE.")
        show_imports(frame, as_json) if lists else take_back(frame, undo or "", as_json)
        return
    if watched is not None:
        if files or dry_run:
            raise click.UsageError("--watch takes no FILE and no --dry-run.")
        asked = Asked(kind, source, encoding, dict(split_column(pair) for pair in columns))
        watch_folders(frame, Path(watched) if watched else None, asked, as_json)
        return
    paths = [Path(name) for name in files if not columns or "=" not in name or Path(name).exists()]
    pairs = [*columns, *(name for name in files if Path(name) not in paths)]
    asked = Asked(kind, source, encoding, dict(split_column(pair) for pair in pairs))
    if not paths:
        raise click.UsageError("Name at least one FILE.")
    for path in paths:
        if not path.exists():
            raise click.UsageError(f"There is no file or folder {str(path)!r}.")
    reports = bring_all(frame, paths, asked, dry_run, as_json)
    require_accepted(paths, reports)


def split_column(pair: str) -> tuple[str, str]:
    ours, separator, column = pair.partition("=")
    if not (separator and ours.strip() and column.strip()):
        raise click.UsageError(f"--map takes OURS=COLUMN, not {pair!r}.")
    return ours.strip(), column.strip()


def bring(frame: Frame, path: Path, asked: Asked, dry_run: bool, as_json: bool) -> ImportReport:
    """Imports one file, or tries to, and prints what it came to."""
    size = measure_size(path)
    with show_work(path.name, "bytes", quiet=as_json) as work:

        def show_bytes(done: int) -> None:
            work.report(done, size, step=path.name)

        if dry_run:
            report = try_file(path, asked=asked, clock=SystemClock(), on_bytes=show_bytes)
        else:
            with open_store(frame) as engine:
                report = import_file(engine, path, asked=asked, clock=SystemClock(), on_bytes=show_bytes)
    if as_json:
        print_json({"file": str(path), **report.to_json()})
    else:
        print_import_report(report, dry_run)
    return report


def bring_all(
    frame: Frame, paths: list[Path], asked: Asked, dry_run: bool, as_json: bool
) -> list[ImportReport]:
    """Imports file after file. One that cannot be read keeps no other from coming in, and fails the command
    at the end.
    """
    reports: list[ImportReport] = []
    unread: list[str] = []
    for path in paths:
        try:
            reports.append(bring(frame, path, asked, dry_run, as_json))
        except (NothingRecognised, ColumnsMissing) as fault:
            if len(paths) == 1:
                raise
            unread.append(path.name)
            click.echo(f"{path.name}: {fault}", err=True)
    if unread:
        told = f"{len(unread)} of {len(paths)} files did not come in, as said above: {', '.join(unread)}."
        raise CommandFailed(told)
    return reports


def require_accepted(paths: list[Path], reports: list[ImportReport]) -> None:
    """Raises what says why if no file gave anything."""
    if any(report.accepted for report in reports):
        return
    names = ", ".join(str(path) for path in paths)
    if any(report.refused for report in reports):
        raise CommandFailed(f"No line of {names} was accepted; the reasons are counted above.")
    lines = sum(report.lines for report in reports)
    raise NothingToDo(f"{names} added nothing: all its {lines} lines are in the store already.")


def print_import_report(report: ImportReport, dry_run: bool = False) -> None:
    for part in report.parts:
        held = ", ".join(filter(None, (part.form, part.encoding)))
        click.echo(f"{part.name}: {part.format or 'not recognised, left out'} ({held})")
    for record in report.shown:
        print_json(record)
    refused = sum(report.refused.values())
    click.echo(
        f"{report.lines} lines: {report.accepted} {'would be ' if dry_run else ''}accepted, "
        f"{report.duplicates} duplicates, {refused} refused"
    )
    if report.kinds:
        click.echo("  " + ", ".join(f"{count} {kind}" for kind, count in sorted(report.kinds.items())))
    for reason, count in sorted(report.refused.items(), key=lambda item: (-item[1], item[0])):
        click.echo(f"  {count:>7}  {reason}")
        example = next(example for example in report.examples if example.reason == reason)
        click.echo(f"           line {example.line}: {example.detail or reason}")
    for note, count in sorted(report.notes.items()):
        click.echo(f"  {count:>7}  {NOTES[note]}")
    for split in report.empty_splits:
        click.echo(f"  Nothing of it is in the split {split!r}: a dataset of it alone has an empty one.")
    if report.import_id and report.accepted:
        click.echo(
            f"Import {report.import_id[:8]}; `rejoinder import --undo {report.import_id[:8]}` removes it."
        )


def watch_folders(frame: Frame, folder: Path | None, asked: Asked, as_json: bool) -> None:
    """Imports what comes into a folder, or into those of active sources, until SIGTERM or Ctrl-C."""
    asked.check()
    if folder is not None and not folder.is_dir():
        raise click.UsageError(f"There is no folder {str(folder)!r}.")
    with open_store(frame) as engine, hearing_end() as stopped:

        def find_folders() -> dict[Path, str | None]:
            return {folder: asked.source} if folder is not None else list_source_folders(engine)

        def bring_one(path: Path, source: str | None) -> ImportReport:
            def stop_if_asked(_done: int) -> None:
                if stopped.is_set():
                    raise ImportStopped(path)

            wanted = replace(asked, source=source)
            return import_file(engine, path, asked=wanted, clock=SystemClock(), on_bytes=stop_if_asked)

        def show(brought: BroughtFile) -> None:
            if as_json:
                print_json(brought.to_json())
                return
            click.echo(f"{brought.path} -> {brought.moved_to}")
            if brought.report is None:
                click.echo(f"  {brought.error}")
            else:
                print_import_report(brought.report)

        click.echo(f"Watching {folder or 'the folders of sources'}; SIGTERM or Ctrl-C ends it.", err=True)
        FolderWatch(find_folders, bring_one, SystemClock()).run(stopped, show)


@contextmanager
def hearing_end() -> Iterator[threading.Event]:
    """Within the block, SIGTERM and Ctrl-C set this event and end nothing by themselves."""
    stopped = threading.Event()
    ends = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(end, lambda *_: stopped.set()) for end in ends]
    try:
        yield stopped
    finally:
        for end, handler in zip(ends, before, strict=True):
            signal.signal(end, handler)


def list_source_folders(engine: Engine) -> dict[Path, str | None]:
    """The folders of active sources, each with its source."""
    with read(engine) as session:
        rows = list_sources(session, desk_id=DEFAULT_DESK)
    return {Path(row.folder): row.name for row in rows if row.folder and row.state == "active"}


def show_imports(frame: Frame, as_json: bool) -> None:
    with open_store(frame) as engine, read(engine) as session:
        rows = select_imports(session, desk_id=DEFAULT_DESK)
    if as_json:
        print_json({"imports": [row.model_dump(mode="json") for row in rows]})
        return
    for row in rows:
        click.echo(f"{row.id[:8]}  {row.created_at:%Y-%m-%d %H:%M}  {row.file}  {describe_import(row)}")
    if not rows:
        click.echo("No imports yet: rejoinder import FILE")


def describe_import(row: Import) -> str:
    counts: dict[str, Any] = row.counts
    told = f"{counts['accepted']} accepted" if counts else "not finished"
    return f"{told}, undone" if row.undone_at else told


def take_back(frame: Frame, start: str, as_json: bool) -> None:
    with open_store(frame) as engine:
        undone = undo_import(
            engine, start=start, desk_id=DEFAULT_DESK, data_dir=frame.data_dir, clock=SystemClock()
        )
    remove_upload(frame.data_dir, undone.id)
    if as_json:
        print_json(undone.to_json())
    else:
        print_undone(undone)


def print_undone(undone: UndoneImport) -> None:
    records = count_nouns(undone.records, "record")
    conversations = count_nouns(undone.conversations, "conversation")
    click.echo(f"Removed {records} and {conversations} of {undone.file}.")
    if undone.kept:
        stay = "stays" if undone.kept == 1 else "stay"
        click.echo(f"{count_nouns(undone.kept, 'conversation')} {stay}: people have worked on since.")
    for dataset in undone.datasets:
        click.echo(f"Dataset {dataset[:16]} holds records of it and stays as it is.")
    for adapter in undone.adapters:
        click.echo(f"Adapter {adapter} has learnt from them; `rejoinder lineage {adapter}` shows it.")
