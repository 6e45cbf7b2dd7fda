"""Our own forms as tables: CSV for spreadsheets, Parquet for libraries. Both hold every field of ours;
Parquet has lists and messages as such, CSV as JSON in a cell.
"""

import csv
import io
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from feedback.exports.columns import ARGUMENTS, Columns
from feedback.exports.form import FIELDS, KINDS, Conversion, ExportForm, KindShape, join_blocks
from feedback.formats.cells import BYTE_ORDER_MARK, pack_cells
from feedback.formats.jsonl import Body
from feedback.records.schemas import parse_time

ROWS = 1_000  # of a Parquet file, written at a time
ARGUMENT_TYPES = {bool: "bool", int: "int64", float: "float64", str: "string"}


def keep_fields(kind: str) -> KindShape:
    held = FIELDS[kind]
    return KindShape(lambda body: Conversion({name: body[name] for name in body if name in held}), held)


def write_cells(bodies: Iterator[Body], columns: Columns) -> Iterator[bytes]:
    """CSV as in RFC 4180, with a byte order mark."""
    return join_blocks(piece.encode() for piece in _write_rows(bodies, columns))


def _write_rows(bodies: Iterator[Body], columns: Columns) -> Iterator[str]:
    line = io.StringIO()
    writer = csv.DictWriter(line, list(columns.names), restval="", extrasaction="ignore")
    line.write(BYTE_ORDER_MARK)
    writer.writeheader()
    for body in bodies:
        writer.writerow(pack_cells(body))
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def write_parquet(bodies: Iterator[Body], columns: Columns) -> Iterator[bytes]:
    """A Parquet file, in pieces of a thousand rows."""
    import pyarrow.parquet  # large, and needed for such files alone

    schema = pyarrow.schema([(name, type_column(name, columns)) for name in columns.names])
    packs = pack_arguments(columns) is None
    sink = Pieces()
    writer = pyarrow.parquet.ParquetWriter(pyarrow.PythonFile(sink, mode="w"), schema)
    while rows := [settle_row(body, packs=packs) for body in islice(bodies, ROWS)]:
        writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
        yield sink.take()
    writer.close()
    yield sink.take()


def type_column(name: str, columns: Columns) -> Any:
    """The type of a column."""
    import pyarrow as pa

    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    reply = [("text", pa.string()), ("arm", pa.string()), ("adapter", pa.string()), ("slot", pa.int64())]
    turn = [("role", pa.string()), ("text", pa.string()), ("ts", pa.float64())]
    texts, numbers = pa.list_(pa.string()), pa.list_(pa.int64())
    if name == ARGUMENTS:
        fields = pack_arguments(columns)
        return pa.string() if fields is None else pa.struct(fields)
    return {
        **dict.fromkeys(("prompt", "chosen", "rejected", "completion"), pa.list_(message)),
        **dict.fromkeys(("tags", "reasons", "customer_details"), texts),
        **dict.fromkeys(("picked", "prompt_token_ids"), numbers),
        "candidates": pa.list_(pa.struct([*reply, ("token_ids", numbers)])),
        "turns": pa.list_(pa.struct(turn)),
        "at": pa.timestamp("us", tz="UTC"),
        "weight": pa.float64(),
        "dwell_ms": pa.int64(),
        "label": pa.bool_(),
    }.get(name, pa.string())


def pack_arguments(columns: Columns) -> list[tuple[str, str]] | None:
    """The fields of the template arguments; None if one has values of several types: then they are JSON."""
    fields = []
    for name, types in columns.arguments.items():
        if len(types) > 1 or not types <= ARGUMENT_TYPES.keys():
            return None
        fields.append((name, ARGUMENT_TYPES[next(iter(types), str)]))
    return fields or None


def settle_row(body: Body, *, packs: bool) -> Body:
    """A record with a time as such, and what has no type of its own as JSON."""
    row = body | {"at": parse_time(body["at"])} if body.get("at") else body
    packed = ("meta", ARGUMENTS) if packs else ("meta",)
    return row | {
        name: json.dumps(row[name], ensure_ascii=False) for name in packed if row.get(name) is not None
    }


class Pieces(io.RawIOBase):
    """A file that is only written, and handed on piece by piece."""

    def __init__(self) -> None:
        self._piece = bytearray()
        self._place = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._piece += data
        self._place += len(data)
        return len(data)

    def tell(self) -> int:
        return self._place

    def take(self) -> bytes:
        piece = bytes(self._piece)
        self._piece.clear()
        return piece


CSV = ExportForm(
    name="csv",
    ending="csv",
    media_type="text/csv",
    shapes={kind: keep_fields(kind) for kind in KINDS},
    write=write_cells,
    is_even=False,
)
PARQUET_TABLE = ExportForm(
    name="parquet",
    ending="parquet",
    media_type="application/vnd.apache.parquet",
    shapes={kind: keep_fields(kind) for kind in KINDS},
    write=write_parquet,
)
