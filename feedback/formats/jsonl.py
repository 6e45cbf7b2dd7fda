"""Reads a JSONL file as a stream of objects and refused lines. Memory holds one line of limited length,
however large the file is.

The file is plain, or gzip if its name ends in `.gz`; a byte order mark and blank lines are skipped. This
module knows no record form.
"""

import gzip
import json
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, cast

from feedback.errors import TextNotStorable
from feedback.records.rejections import Refusal
from feedback.records.text import check_storable

MAX_LINE_BYTES = 4 * 1024 * 1024
BOM = b"\xef\xbb\xbf"
TELL_EVERY = 200  # lines between two calls of `on_bytes`

Body = dict[str, Any]
OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class JsonLine:
    """One line that is not blank: its number from 1, and its object or the reason why there is none."""

    number: int
    content: Body | Refusal


def read_lines(
    path: Path, *, max_line_bytes: int = MAX_LINE_BYTES, on_bytes: OnBytes | None = None
) -> Iterator[JsonLine]:
    """Yields the lines of a file. `on_bytes` is called with the number of bytes read so far (compressed bytes
    for gzip).
    """
    with path.open("rb") as raw:
        packed = path.suffix == ".gz"
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else cast(BinaryIO, raw)
        number = 0
        while True:
            number += 1
            try:
                line = read_line(stream, max_line_bytes)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                yield JsonLine(number, Refusal("broken_gzip", str(error)))
                break
            if line == b"":
                break
            content = (
                Refusal("line_too_long", f"over {max_line_bytes} bytes") if line is None else parse_line(line)
            )
            if content is not None:
                yield JsonLine(number, content)
            if on_bytes is not None and number % TELL_EVERY == 0:
                on_bytes(raw.tell())
        if on_bytes is not None:
            on_bytes(raw.tell())


def read_line(stream: BinaryIO, limit: int) -> bytes | None:
    """Reads the next line. Returns an empty line at the end of the file, and None for a line over the limit,
    whose rest is skipped.
    """
    line = stream.readline(limit + 1)
    if len(line) <= limit or line.endswith(b"\n"):
        return line
    while line and not line.endswith(b"\n"):
        line = stream.readline(limit)
    return None


def parse_line(line: bytes) -> Body | Refusal | None:
    """Parses one line of JSON; None if the line is blank."""
    try:
        text = line.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        return Refusal("invalid_utf8", f"byte {error.start} of the line")
    if not text.strip():
        return None
    try:
        body = json.loads(text, parse_constant=_refuse_number, parse_float=_finite)
    except _NotFinite as error:
        return Refusal("not_a_number", str(error))
    except RecursionError:
        return Refusal("invalid_json", "nested too deeply")
    except ValueError as error:
        return Refusal("invalid_json", str(error)[:200])
    if not isinstance(body, dict):
        return Refusal("not_an_object", f"it is {type(body).__name__}")
    if "\\u" in text:  # NUL and lone surrogates can come in as escapes only
        try:
            check_storable(body, "line")
        except TextNotStorable as error:
            return Refusal("not_storable", error.message)
    return body


class _NotFinite(Exception):
    pass


def _refuse_number(name: str) -> NoReturn:
    raise _NotFinite(name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _NotFinite(text)
    return value
