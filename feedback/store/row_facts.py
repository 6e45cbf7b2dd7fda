"""Reads what a list shows of each row that `conversation_rows.py` found.

The arm that a verdict is for is shown only when nobody can take the verdict back into an open set any more
(`row_selection.py`). Reads only.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from feedback.records.derived import JUDGEMENT, THUMB, UNDONE
from feedback.store.row_selection import OPEN_AFTER, THUMBS, RowSelection, select_held
from feedback.store.tables import Conversation, Judgement, Message, Record, SuggestionSet, Turn

Key = tuple[datetime, str]


@dataclass(frozen=True)
class RowVerdict:
    """A verdict as given. Until it `is_settled`, its set may open again: `winner` and `version` are None."""

    given: str
    is_settled: bool = False
    is_undone: bool = False
    winner: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class ConversationRow:
    """One row of the list with the customer's words: those of the verdict, else the first ones."""

    key: Key
    conversation_id: str
    words: str | None
    language: str | None
    state: str | None
    verdict: RowVerdict | None

    @property
    def at(self) -> datetime:
        return self.key[0]


@dataclass(frozen=True)
class _Found:
    """A row before the rest of its conversation is read; `words` if not the conversation's first."""

    key: Key
    conversation_id: str
    verdict: RowVerdict | None = None
    words: str | None = None


def describe_rows(
    session: Session, desk_id: str, asked: RowSelection, keys: Sequence[Key]
) -> list[ConversationRow]:
    ids = [id for _, id in keys]
    if asked.kind == "closing":
        return _complete(session, _describe_closings(session, keys))
    if asked.kind == "message":
        return _complete(session, _describe_messages(session, keys))
    if asked.kind == "set":
        return _complete(session, _describe_sets(session, keys))
    if asked.kind == "verdict":
        return _complete(session, _describe_records(session, desk_id, ids, asked.verdict in THUMBS))
    last = _find_last_verdicts(session, desk_id, ids)
    return _complete(session, [_Found(key, key[1], last.get(key[1])) for key in keys])


def _describe_closings(session: Session, keys: Sequence[Key]) -> list[_Found]:
    query = (
        select(col(Turn.id), col(Turn.conversation_id), col(Turn.closed_as), col(Message.text))
        .join(Message, col(Message.id) == col(Turn.message_id))
        .where(col(Turn.id).in_([id for _, id in keys]))
    )
    told = {id: (of, RowVerdict(given or ""), words) for id, of, given, words in session.execute(query)}
    return [_Found(key, *told[key[1]]) for key in keys]


def _describe_messages(session: Session, keys: Sequence[Key]) -> list[_Found]:
    """The rows of messages with their own words; those of a retracted message are not shown."""
    query = select(Message).where(col(Message.id).in_([id for _, id in keys]))
    told = {row.id: row for row in session.scalars(query)}
    return [
        _Found(key, row.conversation_id, words=None if row.retracted_at else row.text)
        for key in keys
        for row in [told[key[1]]]
    ]


def _describe_sets(session: Session, keys: Sequence[Key]) -> list[_Found]:
    """The rows of suggestion sets, with the customer's words that they answer."""
    query = (
        select(col(SuggestionSet.id), col(SuggestionSet.conversation_id), col(Message.text))
        .join(Turn, col(Turn.id) == col(SuggestionSet.turn_id))
        .join(Message, col(Message.id) == col(Turn.message_id))
        .where(col(SuggestionSet.id).in_([id for _, id in keys]))
    )
    told = {id: (of, words) for id, of, words in session.execute(query)}
    return [_Found(key, told[key[1]][0], words=told[key[1]][1]) for key in keys]


def _describe_records(session: Session, desk_id: str, ids: Sequence[str], is_thumb: bool) -> list[_Found]:
    """The rows of judgements or thumbs, with the customer's words in the turn concerned."""
    about: Any = Message if is_thumb else Judgement
    query = (
        select(Record, col(Message.text))
        .join(about_turn := aliased(about), col(about_turn.id) == col(Record.origin_id))
        .outerjoin(Turn, col(Turn.id) == about_turn.turn_id)
        .outerjoin(Message, col(Message.id) == col(Turn.message_id))
        .where(col(Record.desk_id) == desk_id, col(Record.origin_id).in_(ids))
        .where(col(Record.origin_kind) == (THUMB if is_thumb else JUDGEMENT))
        .order_by(col(Record.created_at).desc(), col(Record.origin_id).desc())
    )
    held = set() if is_thumb else set(session.scalars(select_held(desk_id=desk_id)))
    return [
        _Found(
            (record.created_at, record.origin_id or ""),
            record.conversation,
            describe_row_verdict(record, held),
            words,
        )
        for record, words in session.execute(query)
    ]


def describe_row_verdict(record: Record, held: Container[str]) -> RowVerdict:
    """The verdict that a record states. `held` are ids of judgements that can still be taken back."""
    is_held = record.origin_id is not None and record.origin_id in held
    is_open = record.origin_kind == JUDGEMENT and (is_held or record.rejection in OPEN_AFTER)
    return RowVerdict(
        given=record.given or "",
        is_settled=not is_open,
        is_undone=record.rejection == UNDONE,
        winner=None if is_open else record.winner,
        version=None if is_open else record.adapter,
    )


def _find_last_verdicts(session: Session, desk_id: str, ids: Sequence[str]) -> dict[str, RowVerdict]:
    """The agents' last verdict in each conversation."""
    judged = (
        select(col(Judgement.id))
        .join(SuggestionSet, col(SuggestionSet.id) == col(Judgement.set_id))
        .where(col(SuggestionSet.conversation_id).in_(ids))
    )
    query = select(Record).where(
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == JUDGEMENT,
        col(Record.origin_id).in_(judged),
    )
    held = set(session.scalars(select_held(desk_id=desk_id)))
    oldest_first = query.order_by(col(Record.created_at), col(Record.origin_id))
    return {
        record.conversation: describe_row_verdict(record, held) for record in session.scalars(oldest_first)
    }


def _complete(session: Session, rows: Sequence[_Found]) -> list[ConversationRow]:
    ids = {row.conversation_id for row in rows}
    told = select(col(Conversation.id), col(Conversation.language), col(Conversation.erased_at)).where(
        col(Conversation.id).in_(ids)
    )
    languages, erased = {}, set()
    for id, language, erased_at in session.execute(told):
        languages[id] = language
        if erased_at is not None:
            erased.add(id)
    states, first = _find_states(session, ids), _find_first_words(session, ids)
    return [
        ConversationRow(
            key=row.key,
            conversation_id=row.conversation_id,
            words=row.words or first.get(row.conversation_id),
            language=languages.get(row.conversation_id),
            state="erased" if row.conversation_id in erased else states.get(row.conversation_id),
            verdict=row.verdict,
        )
        for row in rows
    ]


def _find_states(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """The state of the newest turn of each conversation."""
    query = (
        select(col(Turn.conversation_id), col(Turn.state))
        .join(Message, col(Message.id) == col(Turn.message_id))
        .where(col(Turn.conversation_id).in_(ids))
    )
    return {id: state for id, state in session.execute(query.order_by(col(Message.position)))}


def _find_first_words(session: Session, ids: Iterable[str]) -> Mapping[str, str | None]:
    query = (
        select(col(Message.conversation_id), func.min(col(Message.position)).label("position"))
        .where(col(Message.conversation_id).in_(ids), col(Message.role) == "customer")
        .group_by(col(Message.conversation_id))
        .subquery()
    )
    said = select(col(Message.conversation_id), col(Message.text)).join(
        query,
        (col(Message.conversation_id) == query.c.conversation_id)
        & (col(Message.position) == query.c.position),
    )
    return {id: text for id, text in session.execute(said)}
