"""Counts for the charts of the console: by UTC day over a bounded time, each with one GROUP BY. Reads only.

count_judged        judgements by day and adapter, with their outcome
count_languages     conversations begun, by language
measure_replies     number and total length of replies
count_thumbs        the last thumb of each reply sent as suggested, by the arm that wrote it

With a tag, each counts what has it or a tag below it.
"""

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, func, select
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session, col

from feedback.records.derived import JUDGEMENT, THUMB
from feedback.store.record_counts import Meaning
from feedback.store.row_selection import select_held
from feedback.store.tables import Conversation, Message, Record
from feedback.store.tags import match_tag


class _Day(TypeDecorator[date]):
    """A day: text on SQLite, a date on PostgreSQL, which groups by dates several times faster."""

    impl = String()
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> date | None:
        return date.fromisoformat(value) if isinstance(value, str) else value


class day_of(GenericFunction[date]):
    """The UTC day of a time."""

    type = _Day()
    inherit_cache = True


@compiles(day_of, "sqlite")
def _day_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 10)"


@compiles(day_of, "postgresql")
def _day_on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AT TIME ZONE 'UTC' AS date)"


class DayJudged(NamedTuple):
    """Judgements of one day on sets with this adapter that share one outcome."""

    day: date
    adapter: str | None
    meaning: Meaning
    slot: int | None  # where the card stood that was picked or edited
    pairs: int  # that each gives, close ones too: of a pick, the cards that were not picked
    judgements: int


class Replies(NamedTuple):
    """The number of replies of a day; `characters` is their total length."""

    replies: int
    characters: int


def count_judged(
    session: Session, *, desk_id: str, since: datetime, tag: str | None = None
) -> list[DayJudged]:
    """Judgements by day and adapter, with their outcome. Those whose reply is still held are left out: taking
    them back would open their set again, and the arms of an open set are secret.
    """
    day = day_of(col(Record.created_at)).label("day")
    pairs = (col(Record.pairs) + col(Record.close_pairs)).label("every_pair")
    keys = (
        *(day, col(Record.adapter), col(Record.slot), pairs),
        *(col(Record.design), col(Record.rejection), col(Record.settled), col(Record.winner)),
        col(Record.incomparable),
    )
    released = col(Record.origin_id).not_in(select_held(desk_id=desk_id))
    query = select(*keys, func.count()).where(
        *_of_records(desk_id, JUDGEMENT, since), released, *match_tag(session, desk_id, tag, Record.tags)
    )
    return [
        DayJudged(at, adapter, Meaning(*meaning), slot, pairs, number)
        for at, adapter, slot, pairs, *meaning, number in session.execute(query.group_by(*keys))
    ]


def count_languages(
    session: Session, *, desk_id: str, since: datetime, tag: str | None = None
) -> dict[tuple[date, str | None], int]:
    day = day_of(col(Conversation.created_at)).label("day")
    query = select(day, col(Conversation.language), func.count()).where(
        col(Conversation.desk_id) == desk_id,
        col(Conversation.created_at) >= since,
        *match_tag(session, desk_id, tag, Conversation.tags),
    )
    rows = session.execute(query.group_by(day, col(Conversation.language)))
    return {(at, language): count for at, language, count in rows}


def measure_replies(
    session: Session, *, desk_id: str, since: datetime, tag: str | None = None
) -> dict[date, Replies]:
    """The number and length of replies that were neither retracted nor erased."""
    day = day_of(col(Message.created_at)).label("day")
    characters = func.sum(func.length(col(Message.text)))
    query = select(day, func.count(), characters).where(
        col(Message.desk_id) == desk_id,
        col(Message.created_at) >= since,
        col(Message.role) == "agent",
        col(Message.text).is_not(None),
        col(Message.retracted_at).is_(None),
    )
    if tag is not None:
        query = query.join(Conversation, col(Conversation.id) == col(Message.conversation_id))
    rows = session.execute(query.where(*match_tag(session, desk_id, tag, Conversation.tags)).group_by(day))
    return {at: Replies(count, characters) for at, count, characters in rows}


def count_thumbs(
    session: Session, *, desk_id: str, since: datetime, tag: str | None = None
) -> dict[tuple[str | None, str], int]:
    """Thumbs by arm and by up or down. The arm is null for a reply that was edited or written by hand."""
    query = select(col(Record.winner), col(Record.given), func.count()).where(
        *_of_records(desk_id, THUMB, since),
        col(Record.given).in_(("up", "down")),
        *match_tag(session, desk_id, tag, Record.tags),
    )
    rows = session.execute(query.group_by(col(Record.winner), col(Record.given)))
    return {(arm, given): count for arm, given, count in rows}


def _of_records(desk_id: str, origin_kind: str, since: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == origin_kind,
        col(Record.created_at) >= since,
    )
