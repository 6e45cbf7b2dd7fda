"""Counts and sums by day in which drift is looked for; `daily_counts.py` has the others. Reads only.

count_thumbs_by_day     the last thumb of each reply, whoever wrote it
sum_lengths_by_day      messages by role
count_tags_by_day       conversations begun
"""

import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import Text, case, cast, func, select
from sqlmodel import Session, col

from feedback.records.derived import THUMB, THUMB_WORDS
from feedback.store.daily_counts import day_of
from feedback.store.tables import Conversation, Message, Record

LONGEST = 1000  # characters: a longer text counts as this long, since a pasted log is no shift

Lengths = tuple[int, int, int]


def count_thumbs_by_day(session: Session, *, desk_id: str, since: datetime) -> dict[date, dict[str, int]]:
    """Thumbs of each day by up and down, without those that were taken back."""
    day = day_of(col(Record.created_at)).label("day")
    query = select(day, col(Record.given), func.count()).where(
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == THUMB,
        col(Record.created_at) >= since,
        col(Record.given).in_((THUMB_WORDS[1], THUMB_WORDS[-1])),
    )
    return _by_day(session.execute(query.group_by(day, col(Record.given))))


def sum_lengths_by_day(session: Session, *, desk_id: str, since: datetime) -> dict[date, dict[str, Lengths]]:
    """By day and role: number of messages that nobody took back, sum of their characters, sum of the
    squares.
    """
    day, length = day_of(col(Message.created_at)).label("day"), func.length(col(Message.text))
    held = case((length > LONGEST, LONGEST), else_=length)
    query = select(day, col(Message.role), func.count(), func.sum(held), func.sum(held * held)).where(
        col(Message.desk_id) == desk_id,
        col(Message.created_at) >= since,
        col(Message.text).is_not(None),
        col(Message.retracted_at).is_(None),
    )
    rows = session.execute(query.group_by(day, col(Message.role)))
    return _by_day((at, role, (count, total, int(squares))) for at, role, count, total, squares in rows)


def count_tags_by_day(
    session: Session, *, desk_id: str, since: datetime
) -> dict[date, dict[tuple[str, ...], int]]:
    """Conversations of each day by their whole set of tags, which may be empty."""
    day = day_of(col(Conversation.created_at)).label("day")
    tags = cast(col(Conversation.tags), Text).label("tags")
    query = select(day, tags, func.count()).where(
        col(Conversation.desk_id) == desk_id,
        col(Conversation.created_at) >= since,
        col(Conversation.erased_at).is_(None),
    )
    rows = session.execute(query.group_by(day, tags))
    return _by_day((at, tuple(json.loads(text)), count) for at, text, count in rows)


def _by_day(rows: Iterable[Any]) -> dict[date, dict[Any, Any]]:
    found: dict[date, dict[Any, Any]] = {}
    for at, key, value in rows:
        found.setdefault(at, {})[key] = value
    return found
