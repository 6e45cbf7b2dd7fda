"""What came in on each day, as counts and sums: what drift is found in. Reads only.

A day begins at midnight UTC. Each function is one GROUP BY over the days from `since` to before `until`.
"""

import json
from datetime import date, datetime
from typing import Any

from sqlalchemy import Text, case, cast, func, select
from sqlmodel import Session, col

from feedback.records.arms import VERSIONS_DESIGN
from feedback.records.derived import JUDGEMENT, THUMB, THUMB_WORDS
from feedback.store.record_counts import MEANING, Judged, Meaning
from feedback.store.tables import Conversation, Message, Record

LONGEST = 1000  # characters that count of a text: a pasted log is no shift


def count_meanings_by_day(
    session: Session, *, desk_id: str, adapter: str, since: datetime, until: datetime
) -> dict[date, dict[Judged, int]]:
    """What judgements on the sets of an adapter beside the base came to."""
    keys = _day(session, Record.created_at), col(Record.agent), *MEANING
    query = select(*keys, func.count()).where(
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == JUDGEMENT,
        col(Record.adapter) == adapter,
        func.coalesce(col(Record.design), "") != VERSIONS_DESIGN,
        *_within(Record, since, until),
    )
    found: dict[date, dict[Judged, int]] = {}
    for day, agent, *meaning, count in session.execute(query.group_by(*keys)):
        found.setdefault(date.fromisoformat(day), {})[Judged(agent, Meaning(*meaning))] = count
    return found


def count_thumbs_by_day(
    session: Session, *, desk_id: str, since: datetime, until: datetime
) -> dict[date, dict[str, int]]:
    """The last one of each reply, by up and down."""
    keys = _day(session, Record.created_at), col(Record.given)
    query = select(*keys, func.count()).where(
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == THUMB,
        col(Record.given).in_((THUMB_WORDS[1], THUMB_WORDS[-1])),
        *_within(Record, since, until),
    )
    found: dict[date, dict[str, int]] = {}
    for day, given, count in session.execute(query.group_by(*keys)):
        found.setdefault(date.fromisoformat(day), {})[given] = count
    return found


def sum_lengths_by_day(
    session: Session, *, desk_id: str, since: datetime, until: datetime
) -> dict[date, dict[str, tuple[int, int, int]]]:
    """By role: how many messages, their lengths in characters summed, and the squares of these."""
    length = func.length(col(Message.text))
    held = case((length > LONGEST, LONGEST), else_=length)
    keys = _day(session, Message.created_at), col(Message.role)
    query = select(*keys, func.count(), func.sum(held), func.sum(held * held)).where(
        col(Message.desk_id) == desk_id,
        col(Message.text).is_not(None),
        col(Message.retracted_at).is_(None),
        *_within(Message, since, until),
    )
    found: dict[date, dict[str, tuple[int, int, int]]] = {}
    for day, role, *sums in session.execute(query.group_by(*keys)):
        count, total, squares = map(int, sums)
        found.setdefault(date.fromisoformat(day), {})[role] = (count, total, squares)
    return found


def count_languages_by_day(
    session: Session, *, desk_id: str, since: datetime, until: datetime
) -> dict[date, dict[str, int]]:
    """Conversations begun, by the code of their language; those without one are left out."""
    keys = _day(session, Conversation.created_at), col(Conversation.language)
    query = select(*keys, func.count()).where(
        col(Conversation.desk_id) == desk_id,
        col(Conversation.language).is_not(None),
        *_within(Conversation, since, until),
    )
    found: dict[date, dict[str, int]] = {}
    for day, language, count in session.execute(query.group_by(*keys)):
        found.setdefault(date.fromisoformat(day), {})[language] = count
    return found


def count_tags_by_day(
    session: Session, *, desk_id: str, since: datetime, until: datetime
) -> dict[date, dict[tuple[str, ...], int]]:
    """Conversations begun, by all their tags together, none included."""
    tags = cast(col(Conversation.tags), Text)
    keys = _day(session, Conversation.created_at), tags
    query = select(*keys, func.count()).where(
        col(Conversation.desk_id) == desk_id,
        col(Conversation.erased_at).is_(None),
        *_within(Conversation, since, until),
    )
    found: dict[date, dict[tuple[str, ...], int]] = {}
    for day, text, count in session.execute(query.group_by(*keys)):
        found.setdefault(date.fromisoformat(day), {})[tuple(json.loads(text))] = count
    return found


def _day(session: Session, column: Any) -> Any:
    """As 2026-11-22, of a time that both databases hold in UTC, one of them as text."""
    if session.get_bind().dialect.name == "sqlite":
        return func.substr(cast(col(column), Text), 1, 10)
    return func.to_char(func.timezone("UTC", col(column)), "YYYY-MM-DD")


def _within(table: Any, since: datetime, until: datetime) -> tuple[Any, Any]:
    at = col(table.created_at)
    return at >= since, at < until
