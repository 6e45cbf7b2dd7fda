"""What an id names. Reads only, keyword-only."""

from typing import Any

from sqlmodel import Session, col, func, select

from feedback.records.derived import IMPORT
from feedback.store.engine import of_desk
from feedback.store.tables import (
    Adapter,
    Candidate,
    Dataset,
    Deployment,
    Duel,
    DuelRound,
    DuelVerdict,
    Judgement,
    Message,
    Operator,
    Record,
    Run,
    SuggestionSet,
    Thumb,
    Turn,
)

# What an id may be of: the step's kind, the column that is compared, and the column that names the step.
NAMED: tuple[tuple[str, Any, Any], ...] = (
    ("message", col(Message.id), col(Message.id)),
    ("judgement", col(Judgement.id), col(Judgement.id)),
    ("set", col(SuggestionSet.id), col(SuggestionSet.id)),
    ("thumb", col(Thumb.id), col(Thumb.id)),
    ("dataset", col(Dataset.id), col(Dataset.id)),
    ("run", col(Run.id), col(Run.id)),
    ("adapter", col(Adapter.name), col(Adapter.name)),
    ("message", col(Turn.id), col(Turn.message_id)),  # a turn is the message that waits
    ("set", col(Candidate.id), col(Candidate.set_id)),
    ("duel", col(Duel.id), col(Duel.id)),
    ("duel", col(DuelRound.id), col(DuelRound.duel_id)),
    ("verdict", col(DuelVerdict.id), col(DuelVerdict.id)),
)


def find_named(
    session: Session, *, desk_id: str, text: str, is_prefix: bool, limit: int
) -> list[tuple[str, str]]:
    """(kind, id) of all that has this id, or begins so; the id of a record is `source/identity`."""
    found: list[tuple[str, str]] = []
    for kind, compared, named in NAMED:
        query = select(named).where(compared.class_.desk_id == desk_id, _fits(compared, text, is_prefix))
        found += [(kind, id) for id in session.exec(query.order_by(compared).limit(limit))]
    records = select(Record.kind, Record.source, Record.identity).where(
        Record.desk_id == desk_id, Record.origin_kind == IMPORT, _fits(col(Record.identity), text, is_prefix)
    )
    in_order = col(Record.identity), col(Record.kind), col(Record.source)
    rows = session.exec(records.order_by(*in_order).limit(limit))
    found += [(kind, f"{source}/{identity}") for kind, source, identity in rows]
    return list(dict.fromkeys(found))


def _fits(column: Any, text: str, is_prefix: bool) -> Any:
    # Not LIKE, which on SQLite takes one letter for the other of its case.
    return func.substr(column, 1, len(text)) == text if is_prefix else column == text


def has_fence(session: Session, *, desk_id: str, fence: int) -> bool:
    return session.exec(of_desk(Deployment, desk_id).where(Deployment.fence == fence)).first() is not None


def name_agent(session: Session, *, agent: str | None) -> str | None:
    """The operator's name, else the word that stands on the row."""
    operator = session.get(Operator, agent) if agent else None
    return operator.name if operator else agent
