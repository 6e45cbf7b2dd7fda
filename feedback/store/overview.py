"""Read-only queries for the console's pages: counts and short lists. Nothing here changes a row.

Every function takes the desk; lists are newest first and limited, since a page shows a screenful.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from feedback.records.derived import IMPORT, THUMB, UNDONE
from feedback.store.closings import count_closings
from feedback.store.engine import within
from feedback.store.live_judgements import is_judgement
from feedback.store.record_counts import count_given
from feedback.store.tables import (
    Conversation,
    Judgement,
    Message,
    Record,
    SuggestionSet,
    Turn,
    User,
    WebSession,
)

JUDGEMENT_KINDS = ("pick", "edit", "own", "tie", "none", "skip")


@dataclass(frozen=True)
class Inflow:
    """Counts of what came in during a time."""

    conversations: int
    customer_messages: int
    agent_messages: int
    sets: dict[str, int] = field(default_factory=dict)  # by state
    judgements: dict[str, int] = field(default_factory=dict)  # by kind as given
    undone: int = 0  # of these, taken back
    closings: dict[str, int] = field(default_factory=dict)  # turns that nobody answered, by reason
    thumbs: dict[str, int] = field(default_factory=dict)  # the last of each message: up, down, taken_back
    records: dict[str, int] = field(default_factory=dict)  # imported, by source


@dataclass(frozen=True)
class Unanswered:
    """Customers who wait for a reply now."""

    count: int
    oldest: datetime | None


def count_inflow(
    session: Session, *, desk_id: str, since: datetime | None, until: datetime | None = None
) -> Inflow:
    """What arrived in this time, both ends included; None leaves an end open."""

    def count_by(table: Any, key: Any, *which: Any) -> dict[Any, int]:
        arrived = within(col(table.created_at), since, until)
        query = select(key, func.count()).select_from(table).where(table.desk_id == desk_id, *which, *arrived)
        return dict(session.exec(query.group_by(key)).all())

    roles = count_by(Message, col(Message.role))
    given = count_given(session, desk_id=desk_id, since=since, until=until)
    judged: Counter[str] = Counter()
    for row in given:
        judged[row.given] += row.judgements
    return Inflow(
        conversations=sum(count_by(Conversation, col(Conversation.desk_id)).values()),
        customer_messages=roles.get("customer", 0),
        agent_messages=roles.get("agent", 0),
        sets=count_by(SuggestionSet, col(SuggestionSet.state)),
        judgements=dict(judged),
        undone=sum(row.judgements for row in given if row.rejection == UNDONE),
        closings=count_closings(session, desk_id=desk_id, since=since, until=until),
        thumbs=count_by(Record, col(Record.given), col(Record.origin_kind) == THUMB),
        records=count_by(Record, col(Record.source), col(Record.origin_kind) == IMPORT),
    )


def count_unanswered(session: Session, *, desk_id: str) -> Unanswered:
    query = select(func.count(), func.min(col(Turn.created_at)))
    return Unanswered(*session.exec(query.where(Turn.desk_id == desk_id, Turn.state == "waiting")).one())


def count_sets_of(session: Session, *, desk_id: str, adapters: Collection[str]) -> dict[str, int]:
    """The number of sets in which each of these adapters took part; adapters without sets are left out."""
    adapter = col(SuggestionSet.adapter)
    counts = select(adapter, func.count()).where(SuggestionSet.desk_id == desk_id, adapter.in_(adapters))
    return {name: sets for name, sets in session.exec(counts.group_by(adapter)) if name is not None}


def list_living_sessions(session: Session, *, desk_id: str, now: datetime) -> list[tuple[WebSession, str]]:
    """Browsers that are signed in, with the name of their user ("" if a program's token signed in)."""
    query = (
        select(WebSession, User.name)
        .outerjoin(User, col(User.id) == col(WebSession.user_id))
        .where(WebSession.desk_id == desk_id, col(WebSession.ended_at).is_(None), WebSession.expires_at > now)
    )
    rows = session.exec(query.order_by(col(WebSession.seen_at).desc())).all()
    return [(row, name or "") for row, name in rows if row.user_id or "token_id" in row.data]


def list_agents(session: Session, *, desk_id: str) -> dict[str, str]:
    """Everybody who judged, with a display name: the user's name, or the word stored in the rows."""
    query = (
        select(Judgement.agent, User.name)
        .outerjoin(User, col(User.id) == col(Judgement.agent))
        .where(Judgement.desk_id == desk_id, col(Judgement.agent).is_not(None), is_judgement())
    )
    return {agent: name or agent for agent, name in session.exec(query.distinct()).all() if agent}


def list_languages(session: Session, *, desk_id: str) -> list[str]:
    """The languages of the desk's conversations, without their regions."""
    query = select(Conversation.language).where(Conversation.desk_id == desk_id).distinct()
    return sorted({name_language(code) for code in session.exec(query).all() if code})


def name_language(code: str | None) -> str:
    """The language code without its region: zh for zh-CN."""
    return (code or "").partition("-")[0].lower()
