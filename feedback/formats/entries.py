"""Reads the entries of one part, whatever holds them: JSON lines, a JSON array or an object around one, one
JSON object, CSV, Parquet, Arrow. Every entry is an object or the reason why there is none.

Memory holds one entry, however large the file is. What is cut off gives what is whole before the cut.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import ijson

from feedback.formats.chat import is_chat
from feedback.formats.containers import BROKEN, FilePart
from feedback.formats.encodings import find_encoding, open_utf8
from feedback.formats.jsonl import (
    MAX_LINE_BYTES,
    JsonLine,
    OnBytes,
    check_object,
    iterate_lines,
    parse_line,
)
from feedback.formats.tables import iterate_table, read_csv, split_header
from feedback.records.rejections import Refusal

REPORT_EVERY = 200  # entries between two calls of `on_bytes`
# Lists of records that tools put into an object, from the outside in.
WRAPPERS = (
    "tickets",
    "conversations",
    "data",
    "data.payload",
    "payload",
    "records",
    "rows",
    "results",
    "items",
)


@dataclass(frozen=True)
class FileForm:
    """How a part holds its entries: the form of the file, its encoding, and where in it the entries are."""

    form: str  # JSON lines | JSON array | JSON object | CSV | table
    encoding: str | None = None  # None for a table, which has no text around its values
    place: str = ""  # of a JSON array: the prefix of its elements; of CSV: what separates its cells


def find_form(part: FilePart, encoding: str | None = None) -> FileForm:
    """Looks at the content of a part. The encoding is found out from the whole of it unless it is given."""
    try:
        if part.is_table:
            return FileForm("table")
        if encoding is None:
            with part.open() as (stream, _):
                encoding = find_encoding(stream)
        with part.open() as (stream, _):
            first, second = read_head(open_utf8(stream, encoding))
    except BROKEN:
        return FileForm("JSON lines", encoding or "utf-8")  # whose reading says what is broken
    if second and is_line(first):
        return FileForm("JSON lines", encoding)
    if first.startswith(b"["):
        return FileForm("JSON array", encoding, "item")
    if not first.startswith(b"{"):
        header = split_header(first) if not second.startswith(b"{") else None
        return FileForm("CSV", encoding, header) if header else FileForm("JSON lines", encoding)
    if second.startswith(b"{"):
        return FileForm("JSON lines", encoding)
    with part.open() as (stream, _):
        place = find_wrapper(open_utf8(stream, encoding))
    if place is not None:
        return FileForm("JSON array", encoding, f"{place}.item")
    return FileForm("JSON object", encoding)


def read_head(stream: BinaryIO) -> tuple[bytes, bytes]:
    """The first line that is not blank, and the next; of a longer line, as much as a line may have."""
    found: list[bytes] = []
    while len(found) < 2 and (line := stream.readline(MAX_LINE_BYTES)):
        if line.strip():
            found.append(line.strip())
        while line and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES)
    first, second = [*found, b"", b""][:2]
    return first, second


def is_line(line: bytes) -> bool:
    """Whether a line is JSON by itself."""
    content = parse_line(line)
    return isinstance(content, dict) or (
        isinstance(content, Refusal) and content.reason in ("not_an_object", "not_storable")
    )


def find_wrapper(stream: BinaryIO) -> str | None:
    """The place of the list of records inside an object; None if the object is itself the record."""
    try:
        for prefix, event, _ in (events := ijson.parse(stream, use_float=True)):
            if event == "start_array" and prefix in WRAPPERS:
                return prefix if is_wrapper(events, prefix) else None
            if prefix == "id":  # a record has one, a list of records has none
                return None
    except (ijson.JSONError, UnicodeDecodeError, *BROKEN):
        pass
    return None


def is_wrapper(events: Iterator[tuple[str, str, object]], place: str) -> bool:
    """Whether the list that has just begun holds records rather than the messages of a chat."""
    builder = ijson.ObjectBuilder()
    for prefix, event, value in events:
        if prefix == place:
            return False
        builder.event(event, value)
        if prefix == f"{place}.item" and event in ("end_map", "end_array", "string", "number", "null"):
            return isinstance(builder.value, dict) and not is_chat([builder.value])
    return False


def read_entries(part: FilePart, holder: FileForm, *, on_bytes: OnBytes | None = None) -> Iterator[JsonLine]:
    """Yields the entries of a part. `on_bytes` gets the bytes read so far, packed ones of what is packed."""
    number = 0
    try:
        with part.open() as (stream, raw):
            for count, entry in enumerate(_read(stream, holder), start=1):
                number = entry.number
                yield entry
                if on_bytes is not None and count % REPORT_EVERY == 0:
                    on_bytes(raw.tell())
            if on_bytes is not None:
                on_bytes(raw.tell())
    except BROKEN as error:
        yield JsonLine(number + 1, Refusal("broken_archive", str(error)))


def _read(stream: BinaryIO, holder: FileForm) -> Iterator[JsonLine]:
    if holder.encoding is None:
        return iterate_table(stream)
    text = open_utf8(stream, holder.encoding)
    if holder.form == "CSV":
        return read_csv(text, holder.place)
    if holder.form == "JSON array":
        return read_array(text, holder.place)
    if holder.form == "JSON object":
        return read_object(text)
    return iterate_lines(text)


def read_array(stream: BinaryIO, place: str) -> Iterator[JsonLine]:
    """Yields the elements of an array, counted from 1. What breaks is the last one's reason."""
    elements = ijson.items(stream, place, use_float=True)
    for number in itertools.count(1):
        try:
            element = next(elements)
        except StopIteration:
            return
        except (ijson.JSONError, UnicodeDecodeError, RecursionError) as error:
            yield JsonLine(number, Refusal("broken_json", str(error).strip()[:200]))
            return
        yield JsonLine(number, check_object(element))


def read_object(stream: BinaryIO) -> Iterator[JsonLine]:
    """The one object of a file, of the size that a line may have."""
    whole = stream.read(MAX_LINE_BYTES + 1)
    if len(whole) > MAX_LINE_BYTES:
        yield JsonLine(1, Refusal("line_too_long", f"over {MAX_LINE_BYTES} bytes"))
    elif (content := parse_line(whole)) is not None:
        yield JsonLine(1, content)
