"""Filters of the queue: turns in one language, with one tag, or for one agent; and which languages and tags
wait now.

A filter narrows the desk's waiting turns, which an index holds in order: it looks up the conversation of each
and reads no turn that does not wait. `feedback.store.turns` reads the queue itself.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy
from sqlalchemy import ColumnElement, TableValuedAlias, and_, func, or_
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import Session, col, select

from feedback.store.tables import Conversation, Draft, Turn

LOOKED_AT = 10_000  # turns, the longest waiting, whose kinds are counted
MOST_KINDS = 50  # of each sort that are named
UNKNOWN = "und"  # ISO 639-2 for a language that nobody could tell


@dataclass(frozen=True)
class QueueFilter:
    """A filter of the queue; None selects all. A `language` without a region matches every region, UNKNOWN
    matches turns without a language.
    """

    language: str | None = None
    tag: str | None = None

    def list_conditions(self, session: Session) -> list[ColumnElement[bool]]:
        """The filter as query conditions on turns."""
        theirs = aliased(Conversation)  # the query around may read conversations too
        wanted: list[ColumnElement[bool]] = []
        if self.language is not None:
            code = self.language.lower()
            spoken = func.lower(func.coalesce(func.nullif(col(theirs.language), ""), UNKNOWN))
            wanted.append(or_(spoken == code, spoken.startswith(f"{code}-", autoescape=True)))
        if self.tag is not None:
            tags = _list_tags(session, col(theirs.tags))
            wanted.append(sqlalchemy.select(1).select_from(tags).where(tags.c.value == self.tag).exists())
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
    """The query condition for a turn that this agent has claimed, with the rule of
    `feedback.store.turns.find_claim`.
    """
    since = col(Turn.claimed_at)
    return and_(col(Turn.claimed_by) == agent, since > now - timedelta(minutes=claim_minutes), since <= now)


def is_of(agent: str, *, now: datetime, claim_minutes: float) -> ColumnElement[bool]:
    """The query condition for a turn that this agent has claimed, or in whose conversation they have an
    unsent draft.
    """
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
    tags = _list_tags(session, col(Conversation.tags))
    count = func.count(sqlalchemy.distinct(col(Conversation.id)))
    tagged = (
        theirs.join(tags, sqlalchemy.true()).with_only_columns(tags.c.value, count).group_by(tags.c.value)
    )
    most = tagged.order_by(count.desc(), tags.c.value).limit(MOST_KINDS)
    in_order = sorted(languages.items(), key=lambda counted: (-counted[1], counted[0]))
    return QueueKinds(dict(in_order[:MOST_KINDS]), {tag: number for tag, number in session.execute(most)})


def _list_tags(session: Session, tags: Mapped[list[str]]) -> TableValuedAlias:
    """The tags of a conversation as rows, with the function that the database has for it."""
    if session.get_bind().dialect.name == "postgresql":
        return func.json_array_elements_text(tags).table_valued("value").render_derived()
    return func.json_each(tags).table_valued("value")
