"""Reads JSON lines as a stream of objects and refused lines. Memory holds one line of limited length, however
large the file is.

A byte order mark and blank lines are skipped. This module knows no record form, and the text is UTF-8:
`encodings.py` makes it so.
"""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, BinaryIO, NoReturn

from feedback.errors import TextNotStorable
from feedback.records.rejections import Refusal
from feedback.records.text import check_storable

MAX_LINE_BYTES = 4 * 1024 * 1024
BOM = b"\xef\xbb\xbf"

Body = dict[str, Any]
OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class JsonLine:
    """One line that is not blank: its number from 1, and its object or the reason why there is none."""

    number: int
    content: Body | Refusal


def iterate_lines(stream: BinaryIO, *, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[JsonLine]:
    """Yields the lines of a stream."""
    for number in count(1):
        line = read_line(stream, max_line_bytes)
        if line == b"":
            return
        content = (
            Refusal("line_too_long", f"over {max_line_bytes} bytes") if line is None else parse_line(line)
        )
        if content is not None:
            yield JsonLine(number, content)


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
        return Refusal("wrong_encoding", f"byte {error.start} of the line")
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
    # NUL and lone surrogates can come in as escapes only.
    return check_object(body) if "\\u" in text or not isinstance(body, dict) else body


def check_object(value: Any) -> Body | Refusal:
    """A JSON value as a line's content: an object whose texts every store can keep."""
    if not isinstance(value, dict):
        return Refusal("not_an_object", f"it is {type(value).__name__}")
    try:
        check_storable(value, "line")
    except TextNotStorable as error:
        return Refusal("not_storable", error.message)
    return value


class _NotFinite(Exception):
    pass


def _refuse_number(name: str) -> NoReturn:
    raise _NotFinite(name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _NotFinite(text)
    return value
