"""A mark for each topic, which changes when there is something new in it. It is read every second by each
waiting page.

It is cheap: one statement for many topics, answered from an index.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import sqlalchemy
from sqlalchemy import Connection, func
from sqlmodel import col

from feedback.store.changes import CONVERSATION, TURN, conversation_topic, turn_topic
from feedback.store.tables import Message, SuggestionSet, Turn

AT_ONCE = 500  # ids in one statement

Mark = tuple[object, ...]
Marks = dict[str, Mark]


def read_marks(connection: Connection, *, topics: Iterable[str]) -> Marks:
    """The marks of these topics; topics without any row are left out."""
    listed = list(topics)
    marks: Marks = {}
    for ids in _in_parts(
        topic.removeprefix(CONVERSATION) for topic in listed if topic.startswith(CONVERSATION)
    ):
        last = (
            sqlalchemy.select(
                col(Message.conversation_id),
                func.max(col(Message.position)),
                func.max(col(Message.release_no)),
            )
            .where(col(Message.conversation_id).in_(ids))
            .group_by(col(Message.conversation_id))
        )
        marks |= {conversation_topic(id): tuple(mark) for id, *mark in connection.execute(last)}
    for ids in _in_parts(topic.removeprefix(TURN) for topic in listed if topic.startswith(TURN)):
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


def _in_parts(ids: Iterator[str]) -> Iterator[Sequence[str]]:
    while part := list(islice(ids, AT_ONCE)):
        yield part
