"""Counts the outcomes of judgements: every count is a GROUP BY over records. Reads only.

count_meanings      on the sets of one adapter, by who judged
count_judgements    on the sets of one adapter, in one number
count_versions      on sets of two versions, by who judged
count_given         in a time: kind as given, kind as settled, and reason of rejection

The first three leave out judgements whose reply is still held back: taking one back opens its set again, and
a count that moves with it would tell the arms.
"""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import case, func, select
from sqlmodel import Session, col

from feedback.records.arms import VERSIONS_DESIGN
from feedback.records.derived import JUDGEMENT
from feedback.store.engine import columns_of, within
from feedback.store.row_selection import select_held
from feedback.store.tables import Record
from feedback.store.tags import match_tag


class Meaning(NamedTuple):
    """The outcome of judgements, in the columns of their records."""

    design: str
    rejection: str | None
    settled: str | None
    winner: str | None
    incomparable: str | None


class AgentMeaning(NamedTuple):
    """An outcome and the agent whose judgement it is; the agent is None after their erasure."""

    agent: str | None
    meaning: Meaning


class Versioned(NamedTuple):
    """An outcome on a set of two versions, with the older version and the agent."""

    rival: str
    agent: str | None
    meaning: Meaning


class Given(NamedTuple):
    """Judgements as given and as settled: sums of their pairs, and how many give any."""

    given: str
    settled: str | None
    rejection: str | None
    language: str | None
    judgements: int
    pairs: int
    close: int
    paired: int


_MEANING = columns_of(Record, "design rejection settled winner incomparable")


def count_meanings(session: Session, *, desk_id: str, adapter: str) -> dict[AgentMeaning, int]:
    keys = col(Record.agent), *_MEANING
    query = _of_adapter(select(*keys, func.count()), desk_id, adapter).group_by(*keys)
    return {
        AgentMeaning(agent, Meaning(*meaning)): count for agent, *meaning, count in session.execute(query)
    }


def count_judgements(session: Session, *, desk_id: str, adapter: str) -> int:
    """The number of judgements on the sets of one adapter, whatever their outcome."""
    return int(session.scalar(_of_adapter(select(func.count()).select_from(Record), desk_id, adapter)) or 0)


def count_versions(session: Session, *, desk_id: str, adapter: str) -> dict[Versioned, int]:
    """Outcomes by the other version in the set; the version whose set was judged last comes first."""
    of_two = col(Record.design) == VERSIONS_DESIGN, col(Record.rival).is_not(None)
    rivals = _of_adapter(select(col(Record.rival)), desk_id, adapter).where(*of_two)
    newest = func.max(col(Record.created_at)).desc(), func.max(col(Record.origin_id)).desc()
    latest = {
        rival: place
        for place, rival in enumerate(session.scalars(rivals.group_by(col(Record.rival)).order_by(*newest)))
    }
    keys = col(Record.rival), col(Record.agent), *_MEANING
    query = _of_adapter(select(*keys, func.count()), desk_id, adapter).where(*of_two).group_by(*keys)
    found = [
        (Versioned(rival, agent, Meaning(*meaning)), count)
        for rival, agent, *meaning, count in session.execute(query)
    ]
    return dict(sorted(found, key=lambda item: (latest[item[0].rival], str(item[0]))))


def count_given(
    session: Session,
    *,
    desk_id: str,
    since: datetime | None = None,
    until: datetime | None = None,
    agent: str | None = None,
    tag: str | None = None,
) -> list[Given]:
    """Counts the judgements of this time, both ends included, also by language; of one agent or of all, with
    a tag or one below it.
    """
    keys = (col(Record.given), col(Record.settled), col(Record.rejection), col(Record.language))
    sums = (
        *(func.count(), func.sum(col(Record.pairs)), func.sum(col(Record.close_pairs))),
        func.sum(case((col(Record.pairs) > 0, 1), else_=0)),
    )
    query = select(*keys, *sums).where(col(Record.desk_id) == desk_id, col(Record.origin_kind) == JUDGEMENT)
    query = query.where(*within(col(Record.created_at), since, until))
    if agent is not None:
        query = query.where(col(Record.agent) == agent)
    query = query.where(*match_tag(session, desk_id, tag, Record.tags))
    return [Given(*row) for row in session.execute(query.group_by(*keys))]


def _of_adapter(query: Any, desk_id: str, adapter: str) -> Any:
    is_its = col(Record.desk_id) == desk_id, col(Record.adapter) == adapter
    is_out = col(Record.origin_id).not_in(select_held(desk_id=desk_id))
    return query.where(*is_its, is_out, col(Record.origin_kind) == JUDGEMENT)
