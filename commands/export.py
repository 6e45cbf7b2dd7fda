"""`rejoinder export`: a dataset's choices, pairs or thumbs as JSONL that other tools can read directly."""

import sys
from pathlib import Path

import click

from commands.dataset import find_dataset
from commands.frame import Frame, frame_options
from commands.store import open_store
from feedback.datasets.export import iterate_export, write_export
from feedback.datasets.layout import FORMATS


@click.command("export")
@frame_options
@click.argument("dataset")
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="pairs",
    show_default=True,
    help="Which records.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="File; .gz packs it. Default: stdout.",
)
def command(frame: Frame, dataset: str, format_: str, out: Path | None) -> None:
    """Write DATASET (its id or the first characters of it) as JSONL. Pairs are in TRL's conversational form.

    \b
    rejoinder export 3f2a91 --format pairs --out pairs.jsonl
    rejoinder export 3f2a91 --format choices | head
    """
    with open_store(frame) as engine:
        dataset_id = find_dataset(engine, dataset).id
    if out is None:
        for piece in iterate_export(frame.data_dir, dataset_id, format_):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    size = write_export(frame.data_dir, dataset_id, format=format_, out=out)
    click.echo(f"{out}: {size} bytes", err=True)
