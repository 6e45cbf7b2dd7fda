"""The rows behind the console's counts, newest first, a page at a time: conversations, or what was said of
them.

Which rows, `Selection` says; these functions find them and what a list tells of each. A page goes on behind
the key of the last row, so that no reading of a whole history is one transaction. Which arm a verdict fell on
is told once nobody can take it back into an open set (`row_selection.py`). Reads only.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlmodel import Session, col

from feedback.records.derived import JUDGEMENT, UNDONE
from feedback.store.row_selection import (
    OPEN_AFTER,
    THUMBS,
    Selection,
    match_language,
    match_record,
    match_tag,
    match_time,
    match_words,
    select_held,
)
from feedback.store.tables import Conversation, Judgement, Message, Record, SuggestionSet, Turn

Key = tuple[datetime, str]


@dataclass(frozen=True)
class Verdict:
    """As given. Settled: nobody can take it back into an open set; `winner` and `version` are None before."""

    given: str
    is_settled: bool = False
    is_undone: bool = False
    winner: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class Row:
    """`words` are the customer's: the first of the conversation, or those that the verdict is about."""

    key: Key
    conversation_id: str
    words: str | None
    language: str | None
    state: str | None
    verdict: Verdict | None

    @property
    def at(self) -> datetime:
        return self.key[0]


@dataclass(frozen=True)
class _Found:
    """A row before the rest of its conversation is read; `words` where they are not the first ones."""

    key: Key
    conversation_id: str
    verdict: Verdict | None = None
    words: str | None = None


def list_rows(
    session: Session, *, desk_id: str, asked: Selection, limit: int, after: Key | None = None
) -> list[Row]:
    """So many of those behind `after`."""
    at, id, query = _select(asked, desk_id)
    if after is not None:
        query = query.where(or_(at < after[0], and_(at == after[0], id < after[1])))
    found = session.execute(query.order_by(at.desc(), id.desc()).limit(limit)).all()
    if asked.is_of_closings:
        rows = [_Found((row.at, row.id), row.of, Verdict(row.given), row.words) for row in found]
    elif asked.is_of_records:
        rows = _tell_records(session, desk_id, [row[0] for row in found], asked.verdict in THUMBS)
    else:
        last = _find_last_verdicts(session, desk_id, [row.id for row in found])
        rows = [_Found((row.at, row.id), row.id, last.get(row.id)) for row in found]
    return _complete(session, rows)


def count_rows(session: Session, *, desk_id: str, asked: Selection, most: int) -> int:
    """`most` where there are as many or more: nobody waits for the rest to be counted."""
    _, id, query = _select(asked, desk_id)
    some = query.with_only_columns(id, maintain_column_froms=True).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def _select(asked: Selection, desk_id: str) -> tuple[Any, Any, Any]:
    """When a row was, its id, and the query of all that is asked for."""
    if asked.is_of_closings:
        return _select_closings(asked, desk_id)
    if asked.is_of_records:
        return _select_records(asked, desk_id)
    at, id = col(Conversation.created_at), col(Conversation.id)
    query: Any = select(at.label("at"), id.label("id")).where(col(Conversation.desk_id) == desk_id)
    query = query.where(*match_time(asked, at), *match_words(asked.words, id, desk_id=desk_id))
    return at, id, query.where(*_match_told(asked), *_match_state(asked, desk_id))


def _select_records(asked: Selection, desk_id: str) -> tuple[Any, Any, Any]:
    """Judgements or thumbs."""
    of = col(Record.conversation)
    query = select(Record).where(*match_record(asked, desk_id=desk_id))
    query = query.where(*match_words(asked.words, of, desk_id=desk_id))
    if asked.state is not None:
        query = query.join(Conversation, col(Conversation.id) == of)
    return col(Record.created_at), col(Record.origin_id), query.where(*_match_state(asked, desk_id))


def _select_closings(asked: Selection, desk_id: str) -> tuple[Any, Any, Any]:
    """Turns that nobody answered."""
    at, id, of = col(Turn.closed_at), col(Turn.id), col(Turn.conversation_id)
    columns: Any = (at.label("at"), id.label("id"), of.label("of"), col(Turn.closed_as).label("given"))
    query = (
        select(*columns, col(Message.text).label("words"))
        .join(Message, col(Message.id) == col(Turn.message_id))
        .join(Conversation, col(Conversation.id) == of)
        .where(col(Turn.desk_id) == desk_id, col(Turn.closed_as) == asked.verdict, *match_time(asked, at))
        .where(*match_words(asked.words, of, desk_id=desk_id), *_match_told(asked))
    )
    if asked.agent is not None:
        query = query.where(col(Turn.closed_by) == asked.agent)
    return at, id, query.where(*_match_state(asked, desk_id))


def _match_told(asked: Selection) -> list[ColumnElement[bool]]:
    """What the app told of the conversation."""
    found = []
    if asked.language is not None:
        found.append(match_language(asked.language, col(Conversation.language)))
    if asked.tag is not None:
        found.append(match_tag(asked.tag, col(Conversation.tags)))
    return found


def _match_state(asked: Selection, desk_id: str) -> list[ColumnElement[bool]]:
    """A conversation stands as its newest turn does."""
    if asked.state is None:
        return []
    if asked.state == "erased":
        return [col(Conversation.erased_at).is_not(None)]
    newest = (
        select(col(Turn.state))
        .join(Message, col(Message.id) == col(Turn.message_id))
        .where(col(Turn.conversation_id) == col(Conversation.id))
        .order_by(col(Message.position).desc())
        .limit(1)
        .correlate(Conversation)
        .scalar_subquery()
    )
    such = select(col(Turn.conversation_id)).where(
        col(Turn.desk_id) == desk_id, col(Turn.state) == asked.state
    )
    return [
        col(Conversation.erased_at).is_(None),
        col(Conversation.id).in_(
            such
        ),  # few, where the state is rare: the newest turn of those alone is read
        newest == asked.state,
    ]


def _tell_records(session: Session, desk_id: str, records: Sequence[Record], is_thumb: bool) -> list[_Found]:
    ids = [record.origin_id for record in records]
    asked = (  # of a judgement its turn, of a thumb the turn that its message answered
        select(col(Message.id), col(Message.turn_id)).where(col(Message.id).in_(ids))
        if is_thumb
        else select(col(Judgement.id), col(Judgement.turn_id)).where(col(Judgement.id).in_(ids))
    )
    turns: dict[str, str | None] = {id: turn_id for id, turn_id in session.execute(asked)}
    said = (
        select(col(Turn.id), col(Message.text))
        .join(Message, col(Message.id) == col(Turn.message_id))
        .where(col(Turn.id).in_({turn_id for turn_id in turns.values() if turn_id}))
    )
    words: dict[str, str | None] = {id: text for id, text in session.execute(said)}
    held = set() if is_thumb else set(session.scalars(select_held(desk_id=desk_id)))
    return [
        _Found(
            (record.created_at, record.origin_id or ""),
            record.conversation,
            tell_verdict(record, held),
            words.get(turns.get(record.origin_id or "") or ""),
        )
        for record in records
    ]


def tell_verdict(record: Record, held: Container[str]) -> Verdict:
    """`held` are judgements that their agents can still take back."""
    is_held = record.origin_id is not None and record.origin_id in held
    is_open = record.origin_kind == JUDGEMENT and (is_held or record.rejection in OPEN_AFTER)
    return Verdict(
        given=record.given or "",
        is_settled=not is_open,
        is_undone=record.rejection == UNDONE,
        winner=None if is_open else record.winner,
        version=None if is_open else record.adapter,
    )


def _find_last_verdicts(session: Session, desk_id: str, ids: Sequence[str]) -> dict[str, Verdict]:
    """What agents said last of each conversation."""
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
    return {record.conversation: tell_verdict(record, held) for record in session.scalars(oldest_first)}


def _complete(session: Session, rows: Sequence[_Found]) -> list[Row]:
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
        Row(
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
    """Of the newest turn of each."""
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
