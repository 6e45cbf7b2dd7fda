"""`rejoinder import`: reads conversations, choices, pairs or thumbs from JSONL, plain or gzip, as a
stream.
"""

from pathlib import Path

import click

from commands.errors import CommandFailed, NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.progress import show_work
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.formats.importer import ImportReport, import_file

KINDS = ("conversations", "choices", "pairs", "thumbs")


@click.command("import")
@frame_options
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--kind", type=click.Choice(KINDS), required=True, help="What each line is; docs/cli.md links the forms."
)
@click.option("--source", default=None, help="Name of where it comes from, instead of what the lines say.")
@json_option
def command(frame: Frame, file: Path, kind: str, source: str | None, as_json: bool) -> None:
    """Bring FILE (JSONL, gzip by the ending .gz) into the store.

    A bad line never stops it: it is counted by its reason. The same file twice adds nothing.

    \b
    rejoinder import choices.jsonl.gz --kind choices --source star
    rejoinder import dialogues.jsonl --kind conversations --json
    """
    size = file.stat().st_size
    with open_store(frame) as engine, show_work(file.name, "bytes", quiet=as_json) as work:
        report = import_file(
            engine,
            file,
            kind=kind,
            source=source,
            clock=SystemClock(),
            on_bytes=lambda done: work.tell(done, size, step=file.name),
        )
    if as_json:
        print_json(report.to_json())
    else:
        print_import_report(report)
    if report.accepted == 0 and sum(report.refused.values()) > 0:
        raise CommandFailed(f"No line of {file} was accepted; the reasons are counted above.")
    if report.accepted == 0:
        raise NothingToDo(f"{file} added nothing: all its {report.lines} lines are in the store already.")


def print_import_report(report: ImportReport) -> None:
    refused = sum(report.refused.values())
    click.echo(
        f"{report.lines} lines: {report.accepted} accepted, {report.duplicates} duplicates, {refused} refused"
    )
    for reason, count in sorted(report.refused.items(), key=lambda item: (-item[1], item[0])):
        click.echo(f"  {count:>7}  {reason}")
    for example in report.examples[:5]:
        click.echo(f"  line {example.line}: {example.reason} ({example.detail})")
