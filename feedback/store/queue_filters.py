"""Filters of the queue by language, tag or agent; and which languages and tags wait now.

A filter narrows the desk's waiting turns, which an index holds in order: it looks up the conversation of each
and reads no turn that does not wait. `feedback.store.turns` reads the queue itself.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy
from sqlalchemy import ColumnElement, Text, and_, cast, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from feedback.store.row_selection import is_in_language
from feedback.store.tables import Conversation, Draft, Turn
from feedback.store.tags import match_tag, read_tag_tree

LOOKED_AT = 10_000  # turns, the longest waiting, whose kinds are counted
MOST_KINDS = 50  # of each sort that are named
UNKNOWN = "und"  # ISO 639-2 for a language that nobody could tell


@dataclass(frozen=True)
class QueueFilter:
    """A filter of the queue; None selects all, `en` every region of it, UNKNOWN turns without a language, a
    tag what lies below it, too.
    """

    language: str | None = None
    tag: str | None = None

    def list_conditions(self, session: Session, *, desk_id: str) -> list[ColumnElement[bool]]:
        """The filter as query conditions on turns."""
        theirs = aliased(Conversation)  # the query around may read conversations too
        wanted: list[ColumnElement[bool]] = []
        if self.language is not None:
            spoken = func.coalesce(func.nullif(col(theirs.language), ""), UNKNOWN)
            wanted.append(is_in_language(self.language, spoken))
        wanted += match_tag(session, desk_id, self.tag, theirs.tags)
        if not wanted:
            return []
        return [sqlalchemy.select(1).where(col(theirs.id) == col(Turn.conversation_id), *wanted).exists()]


EVERYTHING = QueueFilter()


@dataclass(frozen=True)
class QueueKinds:
    """The numbers of waiting turns by language (without region) and by tag, the largest first."""

    languages: dict[str, int] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)


def is_held_by(agent: str, *, now: datetime, claim_minutes: float) -> ColumnElement[bool]:
    """The condition for a turn that this agent has claimed, by the rule of `turns.find_claim`."""
    since = col(Turn.claimed_at)
    return and_(col(Turn.claimed_by) == agent, since > now - timedelta(minutes=claim_minutes), since <= now)


def is_of(agent: str, *, now: datetime, claim_minutes: float) -> ColumnElement[bool]:
    """The condition for a turn that this agent has claimed, or where they have an unsent draft."""
    drafted = sqlalchemy.select(1).where(
        col(Draft.desk_id) == col(Turn.desk_id),
        col(Draft.agent) == agent,
        col(Draft.conversation_id) == col(Turn.conversation_id),
        col(Draft.stands),
    )
    return or_(is_held_by(agent, now=now, claim_minutes=claim_minutes), drafted.exists())


def is_beside(turn_id: str) -> ColumnElement[bool]:
    """The query condition for a turn in the conversation of the turn `turn_id`."""
    other = aliased(Turn)
    conversation = sqlalchemy.select(col(other.conversation_id)).where(col(other.id) == turn_id)
    return col(Turn.conversation_id) == conversation.scalar_subquery()


def count_queue(session: Session, *, desk_id: str, conditions: Sequence[ColumnElement[bool]]) -> int:
    query = select(func.count()).select_from(Turn).where(Turn.desk_id == desk_id, Turn.state == "waiting")
    return session.exec(query.where(*conditions)).one()


def count_kinds(session: Session, *, desk_id: str) -> QueueKinds:
    """The languages and tags that wait now."""
    waiting = (
        select(Turn.conversation_id)
        .where(Turn.desk_id == desk_id, Turn.state == "waiting")
        .order_by(col(Turn.created_at))
        .limit(LOOKED_AT)
        .subquery()
    )
    theirs = sqlalchemy.select(Conversation).join(waiting, waiting.c.conversation_id == col(Conversation.id))
    languages: Counter[str] = Counter()
    spoken = theirs.with_only_columns(col(Conversation.language), func.count())
    for code, number in session.execute(spoken.group_by(col(Conversation.language))):
        languages[(code or UNKNOWN).partition("-")[0].lower()] += number
    tree, tags = read_tag_tree(session, desk_id=desk_id), Counter[str]()
    text = cast(col(Conversation.tags), Text).label("tags")
    count = func.count(sqlalchemy.distinct(col(Conversation.id)))
    for strings, number in session.execute(theirs.with_only_columns(text, count).group_by(text)):
        tags.update(dict.fromkeys(tree.lift(json.loads(strings)), number))
    return QueueKinds(_list_most(languages), _list_most(tags))


def _list_most(counts: Counter[str]) -> dict[str, int]:
    in_order = sorted(counts.items(), key=lambda counted: (-counted[1], counted[0]))
    return dict(in_order[:MOST_KINDS])
