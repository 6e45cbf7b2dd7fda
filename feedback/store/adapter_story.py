"""Lists the history of an adapter in order of time, and the sets that were generated while it served."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, or_
from sqlmodel import Session, col, func, select

from feedback.records.arms import VERSIONS_DESIGN
from feedback.store.engine import of_desk
from feedback.store.lineage import KEYS, Named
from feedback.store.tables import Adapter, AdapterEvent, Candidate, Deployment, SuggestionSet

JUDGED = "judged"
# The kinds of row in a story, each with its place among rows of one moment and what it leads to.
STORY = (("rollout", 0, ""), ("approval", 0, ""), ("decision", 1, "to_state"), ("deployment", 2, "role"))


class StoryRow(NamedTuple):
    """One event of an adapter's history. `state` is what a decision leads to, or the role it served in."""

    at: datetime
    rank: int
    number: int
    kind: str
    state: str


def list_story(session: Session, *, adapter: Adapter) -> list[Named]:
    """(kind, id) of everything that happened to an adapter after its registration, in order: its report, what
    picks and people said of it, decisions, and intervals of serving, each after the decision that began
    it.
    """
    waiting: list[StoryRow] = []
    for kind, rank, state in STORY:
        key = KEYS[kind]
        query = select(key.class_).where(key.class_.adapter == adapter.name)
        if kind == "decision":  # not its registration, and no intentions, whose states are equal
            moved = AdapterEvent.from_state != AdapterEvent.to_state
            query = query.where(AdapterEvent.from_state != "", moved)
        for row in session.exec(query):
            said = getattr(row, state) if state else ""
            waiting.append(StoryRow(row.at, rank, getattr(row, key.key), kind, said))
    story = [("report", adapter.name)] if adapter.report else []
    waiting.sort()
    state = ""
    while waiting:
        # Rows of one moment: an interval stands right after the decision for its role, else last.
        now = [each for each in waiting if each.at == waiting[0].at]
        begun = (each for each in now if each.kind == "deployment" and each.state == state)
        nearest = next(begun, now[0])
        waiting.remove(nearest)
        story.append((nearest.kind, str(nearest.number)))
        state = nearest.state if nearest.kind == "decision" else ""
    return story


def find_end(session: Session, *, deployment: Deployment) -> Deployment | None:
    """The deployment that replaced this one; None while it is in force."""
    follows = of_desk(Deployment, deployment.desk_id).where(
        Deployment.role == deployment.role, Deployment.fencing_token > deployment.fencing_token
    )
    return session.exec(follows.order_by(col(Deployment.fencing_token)).limit(1)).one_or_none()


class GeneratedSets(NamedTuple):
    """How many sets were generated in an interval, how many of them are judged, and the newest of them."""

    all: int
    judged: int
    newest: list[str]


def find_generated_sets(session: Session, *, deployment: Deployment, limit: int) -> GeneratedSets:
    """The sets that were generated during an interval in which an adapter served."""
    desk_id, adapter = deployment.desk_id, deployment.adapter
    later = of_desk(Deployment, desk_id).where(
        Deployment.adapter == adapter, Deployment.fencing_token > deployment.fencing_token
    )
    again = session.exec(later.order_by(col(Deployment.fencing_token)).limit(1)).one_or_none()
    # Whether a set that holds two versions holds this one: its row names the newer alone.
    beside = select(Candidate.id).where(Candidate.set_id == SuggestionSet.id, Candidate.adapter == adapter)
    has_both = and_(col(SuggestionSet.design) == VERSIONS_DESIGN, beside.exists())
    generated: list[Any] = [
        SuggestionSet.desk_id == desk_id,
        or_(col(SuggestionSet.adapter) == adapter, has_both),
        SuggestionSet.created_at >= deployment.at,
    ]
    if again is not None:  # from there on they are that one's
        generated.append(SuggestionSet.created_at < again.at)
    counted = select(SuggestionSet.state, func.count()).where(*generated).group_by(SuggestionSet.state)
    counts = dict(session.exec(counted).all())
    newest = select(SuggestionSet.id).where(*generated, SuggestionSet.state == JUDGED)
    newest = newest.order_by(col(SuggestionSet.created_at).desc(), col(SuggestionSet.id))
    return GeneratedSets(
        sum(counts.values()), counts.get(JUDGED, 0), list(session.exec(newest.limit(limit)).all())
    )


def list_fencing_tokens(
    session: Session, *, generated: SuggestionSet, adapters: Collection[str]
) -> list[int]:
    """The deployments under which a set was generated: for each of its adapters, the last one that had begun
    by then.

    A set planned just before the end of an interval is written just after it and still belongs there.
    """
    last = select(func.max(Deployment.fencing_token)).where(
        Deployment.desk_id == generated.desk_id,
        col(Deployment.adapter).in_(adapters),
        Deployment.at <= generated.created_at,
    )
    return sorted(session.exec(last.group_by(col(Deployment.adapter))).all())
