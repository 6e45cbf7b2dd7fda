"""Reads the forms in which tools write a time: ISO 8601, seconds, milliseconds or microseconds since 1970,
the forms of mails and of spreadsheets. Without a zone it is UTC.

What could be two different days, such as 03/04/2025, is refused rather than guessed.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from feedback.formats.fields import FieldFault, find_field

AHEAD = timedelta(days=1)  # a clock that is wrong, or a time whose zone was left out
NUMBER = re.compile(r"-?\d{9,}(\.\d+)?")
WRITTEN = re.compile(r"(\d{4})[年/.](\d{1,2})[月/.](\d{1,2})日?")
SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})")
SHORT_HOUR = re.compile(r"(?<=[ T])(\d)(?=:)")


def find_time(body: Any, path: str) -> datetime | None:
    """The time at a path, None if it is missing; a record with an unreadable one is refused."""
    value = find_field(body, path, object)
    return None if value is None or value == "" else read_time(value)


def read_time(value: object) -> datetime:
    try:
        if isinstance(value, bool):
            raise ValueError("no time")
        if isinstance(value, int | float):
            return read_epoch(float(value))
        if isinstance(value, str):
            return read_written(value.strip())
    except (ValueError, OverflowError, OSError):
        pass
    raise FieldFault("bad_time", f"{str(value)[:40]!r} is no time")


def read_epoch(value: float) -> datetime:
    """Seconds since 1970, or milliseconds, microseconds, nanoseconds: each is a thousand times as long."""
    for _ in range(3):
        if abs(value) >= 1e11:
            value /= 1000
    return datetime.fromtimestamp(value, UTC)


def read_written(text: str) -> datetime:
    if NUMBER.fullmatch(text):
        return read_epoch(float(text))
    if "," in text or text[:3].isalpha():
        return as_utc(parsedate_to_datetime(text))
    text = text.removesuffix(" UTC")
    return as_utc(datetime.fromisoformat(SHORT_HOUR.sub(r"0\1", spell_day(text))))


def spell_day(text: str) -> str:
    """The day as ISO 8601 has it."""
    written = WRITTEN.match(text)
    if written:
        year, month, day = written.groups()
        return f"{year}-{month:0>2}-{day:0>2}{text[written.end() :]}"
    slashed = SLASHED.match(text)
    if not slashed:
        return text
    first, second, year = slashed.groups()
    if int(first) <= 12 and int(second) <= 12 and first != second:
        raise ValueError("a day or a month")
    day, month = (first, second) if int(first) > 12 else (second, first)
    return f"{year}-{month:0>2}-{day:0>2}{text[slashed.end() :]}"


def as_utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def is_future(at: datetime | None, now: datetime) -> bool:
    return at is not None and at > now + AHEAD
