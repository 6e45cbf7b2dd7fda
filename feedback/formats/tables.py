"""Reads tables: CSV, Parquet and Arrow. A row is an object of its columns; an empty or null cell is left out.

A CSV row with more or fewer cells than the header, or cut off inside quotes, is refused: what it says in
which column is not known.
"""

import csv
import io
import math
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import Any, BinaryIO

from feedback.formats.containers import PARQUET, peek
from feedback.formats.jsonl import MAX_LINE_BYTES, JsonLine, check_object
from feedback.records.rejections import Refusal

SEPARATORS = (",", ";", "\t", "|")
ROWS = 200  # of a Parquet or Arrow file, held at a time


def split_header(line: bytes) -> str | None:
    """What separates the cells of a header; None if the line is no header of a table."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return None
    for separator in sorted(SEPARATORS, key=text.count, reverse=True):
        names = [name.strip() for name in next(csv.reader([text], delimiter=separator), [])]
        if len(names) > 1 and all(names) and len(set(names)) == len(names):
            return separator
    return None


def read_csv(stream: BinaryIO, separator: str) -> Iterator[JsonLine]:
    """Yields the rows of a CSV file under the number of their last line."""
    csv.field_size_limit(MAX_LINE_BYTES)
    text = io.TextIOWrapper(stream, "utf-8", "surrogateescape", newline="")
    try:
        yield from _iterate_rows(csv.reader(text, delimiter=separator, strict=True))
    finally:
        text.detach()


def _iterate_rows(reader: Any) -> Iterator[JsonLine]:
    names = [name.strip() for name in next(reader, [])]
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield JsonLine(reader.line_num, Refusal("broken_row", str(error)))
            continue
        if any(cell.strip() for cell in cells):
            yield JsonLine(reader.line_num, read_row(names, cells))


def read_row(names: list[str], cells: list[str]) -> dict[str, Any] | Refusal:
    if len(cells) != len(names):
        return Refusal("broken_row", f"{len(cells)} cells under {len(names)} names")
    row = check_object({name: cell for name, cell in zip(names, cells, strict=True) if cell.strip()})
    if isinstance(row, Refusal) and "surrogate" in row.detail:
        return Refusal("wrong_encoding", row.detail)
    return row


def iterate_table(stream: BinaryIO) -> Iterator[JsonLine]:
    """Yields the rows of a Parquet or Arrow file."""
    import pyarrow  # large, and needed for such files alone

    number = count(1)
    try:
        for batch in _iterate_batches(stream):
            for row in batch.to_pylist():
                yield JsonLine(next(number), check_object(plain(row)))
    except (pyarrow.ArrowException, OSError) as error:
        yield JsonLine(next(number), Refusal("broken_table", str(error)[:200]))


def _iterate_batches(stream: BinaryIO) -> Iterator[Any]:
    import pyarrow.ipc
    import pyarrow.parquet

    head = peek(stream, 6)
    if head.startswith(PARQUET):
        yield from pyarrow.parquet.ParquetFile(stream).iter_batches(batch_size=ROWS)
    elif head == b"ARROW1":
        file = pyarrow.ipc.open_file(stream)
        yield from (file.get_batch(number) for number in range(file.num_record_batches))
    else:
        yield from pyarrow.ipc.open_stream(stream)


def plain(value: Any) -> Any:
    """A cell as JSON has it. Null fields of an object are left out, since a table gives every row all of
    them; bytes, of a picture for instance, are left out, too.
    """
    if isinstance(value, dict):
        cells = {name: plain(inner) for name, inner in value.items()}
        return {name: cell for name, cell in cells.items() if cell is not None}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, bytes) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value
