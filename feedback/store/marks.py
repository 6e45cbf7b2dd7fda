"""A mark for each topic, which changes when there is something new in it. It is read every second by each
waiting page.

It is cheap: one statement for many topics, answered from an index.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, func
from sqlmodel import col

from feedback.store.changes import CONVERSATION, TURN, conversation_topic, turn_topic
from feedback.store.engine import batched
from feedback.store.tables import Message, SuggestionSet, Turn, TwoAnswers

Mark = tuple[object, ...]
Marks = dict[str, Mark]


def read_marks(connection: Connection, *, topics: Iterable[str]) -> Marks:
    """The marks of these topics; topics without any row are left out."""
    listed = list(topics)
    marks: Marks = {}
    of, newest = col(Message.conversation_id), (col(Message.position), col(Message.release_no))
    for ids in batched(name.removeprefix(CONVERSATION) for name in listed if name.startswith(CONVERSATION)):
        last = sqlalchemy.select(of, *map(func.max, newest), *_select_two_answers(of))
        last = last.where(of.in_(ids)).group_by(of)
        marks |= {conversation_topic(id): tuple(mark) for id, *mark in connection.execute(last)}
    for ids in batched(name.removeprefix(TURN) for name in listed if name.startswith(TURN)):
        states = (
            sqlalchemy.select(col(Turn.id), col(Turn.state), col(SuggestionSet.state))
            .outerjoin(SuggestionSet, col(SuggestionSet.turn_id) == Turn.id)
            .where(col(Turn.id).in_(ids))
        )
        marks |= {turn_topic(id): (turn, found) for id, turn, found in connection.execute(states)}
    return marks


def _select_two_answers(conversation_id: Any) -> list[Any]:
    """When two answers were last shown in a conversation, and when somebody last said something of them."""
    times = col(TwoAnswers.shown_at), col(TwoAnswers.answered_at)
    return [
        sqlalchemy.select(func.max(time))
        .where(col(TwoAnswers.conversation_id) == conversation_id)
        .scalar_subquery()
        for time in times
    ]


def read_mark(connection: Connection, *, topic: str) -> Mark:
    """The mark of one topic; empty if the topic has no row."""
    return read_marks(connection, topics=[topic]).get(topic, ())
