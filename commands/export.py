"""`rejoinder export`: takes a dataset, or everything in the store, away in the form of another tool."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from commands.counts import count_nouns
from commands.dataset import find_dataset
from commands.export_labels import LABELS, export_labels
from commands.frame import Frame, frame_options, json_option, print_json
from commands.progress import LongWork, show_work
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.datasets.layout import SPLITS
from feedback.exports.files import Export, write_pieces
from feedback.exports.form import KINDS, ExportForm
from feedback.exports.forms import EXPORT_FORMS, find_form_named
from feedback.exports.records import ExportRecords, OnExport, open_copy, open_for_export
from feedback.exports.report import ExportReport
from feedback.exports.store import StoreReader
from feedback.records.redact import open_redactor
from feedback.store.engine import read
from feedback.store.sources import read_left_out
from feedback.store.tables import DEFAULT_DESK


@click.command("export")
@frame_options
@click.argument("dataset", required=False)
@click.option(
    "--format",
    "format_",
    type=click.Choice((*EXPORT_FORMS, LABELS)),
    default="own",
    show_default=True,
    help="Form of the files; docs/formats.md says what each holds.",
)
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default=None,
    help="Only records of this kind, as one file  [default: all, as a folder].",
)
@click.option("--split", type=click.Choice(SPLITS), default=None, help="Only this split of a dataset.")
@click.option(
    "--source", "sources", multiple=True, help="Without DATASET: only this source; may be repeated."
)
@click.option("--task", default=None, help="With --format labels: only this task, by its id or name.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=None,
    help="Folder, or with --kind a file; .gz packs it  [default with --kind: stdout].",
)
@json_option
def command(
    frame: Frame,
    dataset: str | None,
    format_: str,
    kind: str | None,
    split: str | None,
    sources: tuple[str, ...],
    task: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Take DATASET, or the whole store, away in the form of another tool.

    DATASET is an id or the first characters of it, and is without personal data; the store is as people wrote
    it. What a form does not hold is counted and named.

    \b
    rejoinder export 3f2a91 --format trl --out for-trl
    rejoinder export 3f2a91 --format llamafactory --split train --out data
    rejoinder export 3f2a91 --kind pairs | head
    rejoinder export --out everything
    rejoinder export --format csv --kind conversations --source zendesk --out tickets.csv
    rejoinder export --format labels --task "Refund or exchange" --out labels.csv
    """
    if format_ == LABELS:
        if dataset is not None or kind is not None or split is not None or sources:
            raise click.UsageError("--format labels takes --task and --out alone.")
        export_labels(frame, task, out, as_json=as_json)
        return
    if task is not None:
        raise click.UsageError("--task is for --format labels.")
    if kind is None and out is None:
        raise click.UsageError("Name a folder with --out, or one --kind for standard output.")
    if dataset is None and split is not None:
        raise click.UsageError("--split needs a DATASET: only a dataset has splits.")
    if dataset is not None and sources:
        raise click.UsageError("--source is for the store; a dataset is built with --source.")
    if out is not None and out.is_file() and kind is None:
        raise click.UsageError(f"--out {str(out)!r} is a file; without --kind it names a folder.")
    if out is not None and out.is_dir() and kind is not None:
        raise click.UsageError(f"--out {str(out)!r} is a folder; with --kind it names a file.")
    form, quiet = find_form_named(format_), as_json or out is None
    with (
        show_work("reading", "records", quiet=quiet) as work,
        open_records(frame, dataset, split, list_kinds_read(form, kind), sources, work) as records,
    ):
        export = Export(records, form, on_record=make_progress(work))
        export.survey(kind)
        write_out(export, kind, out)
    if as_json:
        print_json({"out": str(out) if out else None, "format": format_, **export.report.to_json()})
    elif out is not None:
        print_export_report(export.report, out, kind)


def make_progress(work: LongWork) -> OnExport:
    return lambda step, done, total: work.report(done, total, step=step)


def list_kinds_read(form: ExportForm, kind: str | None) -> tuple[str, ...]:
    """The kinds of the store that an export reads: pairs follow from choices where a form has none."""
    if kind is None:
        return KINDS
    return ("choices", kind) if kind == "pairs" and "choices" not in form.shapes else (kind,)


@contextmanager
def open_records(
    frame: Frame,
    dataset: str | None,
    split: str | None,
    kinds: tuple[str, ...],
    sources: tuple[str, ...],
    work: LongWork,
) -> Iterator[ExportRecords]:
    """The records of the dataset, or of the store."""
    with open_store(frame) as engine:
        with read(engine) as session:
            left_out = read_left_out(session, desk_id=DEFAULT_DESK)
        if dataset is not None:
            yield open_for_export(
                frame.data_dir, find_dataset(engine, dataset).id, left_out=left_out, split=split
            )
            return
        reader = StoreReader(
            engine,
            DEFAULT_DESK,
            SystemClock().now(),
            open_redactor(frame.data_dir),
            sources,
            left_out,
        )
        with open_copy(reader.read, kinds, refused=reader.refused, on_record=make_progress(work)) as records:
            yield records


def write_out(export: Export, kind: str | None, out: Path | None) -> None:
    if out is None:
        assert kind is not None
        for piece in export.iterate(kind):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    elif kind is not None:
        write_pieces(out, export.iterate(kind))
    else:
        export.write_folder(out)


def print_export_report(report: ExportReport, out: Path, kind: str | None) -> None:
    for name, lines in report.lines.items():
        click.echo(f"{out if kind else out / name}: {count_nouns(lines, 'line')}")
    for loss in report.tell_losses():
        click.echo(f"  {loss}")
    for reason, count in sorted(report.left_out.items()):
        click.echo(f"  {count} left out: {reason}")
