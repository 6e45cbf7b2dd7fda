"""Exports a dataset as JSONL: choices, pairs (TRL's conversational form) or thumbs (TRL's unpaired form),
streamed.

The files of a dataset are already in export form; this module only passes them on, plain or compressed.
"""

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

from feedback.datasets.layout import FORMATS, dataset_dir, dataset_file
from feedback.formats.errors import DatasetFilesMissing, FormatUnknown
from serving.files import open_atomic

CHUNK = 256 * 1024


def find_export(data_dir: Path, dataset_id: str, format: str) -> Path:
    """Finds the file of a dataset that holds this format."""
    if format not in FORMATS:
        raise FormatUnknown(format, FORMATS)
    path = dataset_file(dataset_dir(data_dir, dataset_id), format)
    if not path.is_file():
        raise DatasetFilesMissing(dataset_id, path)
    return path


def iterate_export(data_dir: Path, dataset_id: str, format: str) -> Iterator[bytes]:
    """Yields the file in blocks of bytes, which may end inside a line. Errors are raised at once, before the
    first block.
    """
    return _read_pieces(find_export(data_dir, dataset_id, format))


def _read_pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def write_export(data_dir: Path, dataset_id: str, *, format: str, out: Path) -> int:
    """Writes the export to `out`, compressed if the name ends in `.gz`, and returns its size in bytes. `out`
    is replaced only when everything is written.
    """
    source = find_export(data_dir, dataset_id, format)
    with source.open("rb") as read, open_atomic(out, mode=None) as raw:
        if out.suffix == ".gz":
            # No name and no time in the header: the same dataset gives the same bytes.
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
                shutil.copyfileobj(read, packed, CHUNK)
        else:
            shutil.copyfileobj(read, raw, CHUNK)
    return out.stat().st_size
