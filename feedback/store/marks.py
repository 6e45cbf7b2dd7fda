"""A mark for each topic, which changes when there is something new in it. It is read every second by each
waiting page.

It is cheap: one statement for many topics, answered from an index.
"""

from collections.abc import Iterable

import sqlalchemy
from sqlalchemy import Connection, func
from sqlmodel import col

from feedback.store.changes import CONVERSATION, TURN, conversation_topic, turn_topic
from feedback.store.engine import batched
from feedback.store.tables import Message, SuggestionSet, Turn, TwoAnswers

CHOICE = (col(TwoAnswers.shown_at), col(TwoAnswers.answered_at))
Mark = tuple[object, ...]
Marks = dict[str, Mark]


def read_marks(connection: Connection, *, topics: Iterable[str]) -> Marks:
    """The marks of these topics; topics without any row are left out."""
    listed = list(topics)
    marks: Marks = {}
    of, newest = col(Message.conversation_id), (col(Message.position), col(Message.release_no), *CHOICE)
    for ids in batched(name.removeprefix(CONVERSATION) for name in listed if name.startswith(CONVERSATION)):
        chosen = col(TwoAnswers.message_id) == col(Message.id)
        last = sqlalchemy.select(of, *map(func.max, newest)).outerjoin(TwoAnswers, chosen)
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


def read_mark(connection: Connection, *, topic: str) -> Mark:
    """The mark of one topic; empty if the topic has no row."""
    return read_marks(connection, topics=[topic]).get(topic, ())
