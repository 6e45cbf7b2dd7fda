"""Finds the rows behind the console's counts, newest first, one page at a time: conversations, or judgements,
thumbs, closings, messages and suggestion sets.

`RowSelection` says which rows are wanted, these functions find them, and `row_facts.py` adds what a list
shows of each. A page starts after the key of the last row of the page before, so that a whole history is
never read in one transaction. Reads only.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from feedback.store.engine import within
from feedback.store.row_facts import ConversationRow, Key, describe_rows
from feedback.store.row_selection import RowSelection, is_in_language, match_record, match_words
from feedback.store.tables import Conversation, Message, Record, SuggestionSet, Turn
from feedback.store.tag_filters import match_tags
from feedback.store.tags import read_tag_tree


def list_rows(
    session: Session, *, desk_id: str, asked: RowSelection, limit: int, after: Key | None = None
) -> list[ConversationRow]:
    """Up to `limit` rows of the selection that follow the row `after`."""
    at, id, query = _select(_expand(session, asked, desk_id), desk_id)
    found = session.execute(_page(query.with_only_columns(*_name(at, id)), at, id, after, limit))
    return describe_rows(session, desk_id, asked, [(row.at, row.id) for row in found])


def list_counted(
    session: Session, *, desk_id: str, asked: RowSelection, limit: int, most: int, after: Key | None = None
) -> tuple[list[ConversationRow], int]:
    """A page of rows, and how many there are, up to `most`. Messages are searched once for both."""
    at, id, query = _select(_expand(session, asked, desk_id), desk_id)
    keys = query.with_only_columns(*_name(at, id))
    if not asked.words:
        counted = session.scalar(_count(keys, most)) or 0
        return list_rows(session, desk_id=desk_id, asked=asked, limit=limit, after=after), counted
    hits = keys.cte("hits")
    total = _count(select(hits.c.id), most).scalar_subquery()
    page = session.execute(
        _page(select(hits, total.label("total")), hits.c.at, hits.c.id, after, limit)
    ).all()
    found = describe_rows(session, desk_id, asked, [(row.at, row.id) for row in page])
    return found, page[0].total if page else 0


def _expand(session: Session, asked: RowSelection, desk_id: str) -> RowSelection:
    """The selection with the strings that its tag takes in."""
    if asked.tag is None:
        return asked
    return replace(asked, strings=read_tag_tree(session, desk_id=desk_id).expand([asked.tag]))


def _name(at: Any, id: Any) -> tuple[Any, Any]:
    return at.label("at"), id.label("id")


def _page(query: Any, at: Any, id: Any, after: Key | None, limit: int) -> Any:
    if after is not None:
        query = query.where(or_(at < after[0], and_(at == after[0], id < after[1])))
    return query.order_by(at.desc(), id.desc()).limit(limit)


def _count(query: Any, most: int) -> Any:
    return select(func.count()).select_from(query.limit(most).subquery())


def _select(asked: RowSelection, desk_id: str) -> tuple[Any, Any, Any]:
    """The time column, the id column, and the query for the selected rows."""
    if asked.kind == "verdict":
        return _select_records(asked, desk_id)
    table: Any
    if asked.kind == "closing":
        table, at, which = Turn, col(Turn.closed_at), [col(Turn.closed_as) == asked.verdict]
        if asked.agent is not None:
            which.append(col(Turn.closed_by) == asked.agent)
    elif asked.kind == "message":
        table, at, which = Message, col(Message.created_at), [col(Message.role) == asked.messages]
    elif asked.kind == "set":
        table, at, which = (
            SuggestionSet,
            col(SuggestionSet.created_at),
            [col(SuggestionSet.state) == asked.sets],
        )
    else:
        table, at, which = Conversation, col(Conversation.created_at), []
    id = col(table.id)
    query = select(id).where(col(table.desk_id) == desk_id, *which, *within(at, asked.since, asked.until))
    of = id
    if table is not Conversation:
        of = col(table.conversation_id)
        query = query.join(Conversation, col(Conversation.id) == of)
    query = query.where(*match_words(asked.words, of, desk_id=desk_id), *_match_conversation(asked))
    return at, id, query.where(*_match_state(asked, desk_id))


def _select_records(asked: RowSelection, desk_id: str) -> tuple[Any, Any, Any]:
    """The part of the query for judgements or thumbs."""
    id, of = col(Record.origin_id), col(Record.conversation)
    query = select(id).where(*match_record(asked, desk_id=desk_id))
    query = query.where(*match_words(asked.words, of, desk_id=desk_id))
    if asked.state is not None:
        query = query.join(Conversation, col(Conversation.id) == of)
    return col(Record.created_at), id, query.where(*_match_state(asked, desk_id))


def _match_conversation(asked: RowSelection) -> list[ColumnElement[bool]]:
    """The conditions on what the app passed on about the conversation."""
    found = []
    if asked.language is not None:
        found.append(is_in_language(asked.language, col(Conversation.language)))
    if asked.tag is not None:
        found.append(match_tags(asked.strings, col(Conversation.tags)))
    return found


def _match_state(asked: RowSelection, desk_id: str) -> list[ColumnElement[bool]]:
    """The condition on a conversation's state, which is that of its newest turn."""
    if asked.state is None:
        return []
    if asked.state == "erased":
        return [col(Conversation.erased_at).is_not(None)]
    newer = aliased(Turn)
    is_last = ~exists().where(
        col(newer.conversation_id) == col(Turn.conversation_id), col(newer.created_at) > col(Turn.created_at)
    )
    of_desk = select(col(Turn.conversation_id)).where(col(Turn.desk_id) == desk_id)
    waiting = of_desk.where(col(Turn.state) == "waiting")
    closed = of_desk.where(col(Turn.state) == "closed", is_last)
    id, answered = col(Conversation.id), aliased(Turn)
    if asked.state == "waiting":
        return [id.in_(waiting)]
    if asked.state == "closed":
        return [col(Conversation.erased_at).is_(None), id.in_(closed)]
    return [
        col(Conversation.erased_at).is_(None),
        exists().where(col(answered.conversation_id) == id, col(answered.state) == asked.state),
        id.not_in(waiting),
        id.not_in(closed),
    ]
