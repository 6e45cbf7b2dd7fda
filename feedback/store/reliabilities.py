"""How reliable each labeller is in a kind of task, and who is paused. Keyword-only, session first, no
commit.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, null
from sqlmodel import Session, col, select

from feedback.errors import Conflict
from feedback.store.engine import of_desk, save_row
from feedback.store.tables import Item, Label, Reliability, Task

BEGINNING = datetime.fromtimestamp(0, UTC)


class LabellerPaused(Conflict):
    def __init__(self, labeller: str, kind: str) -> None:
        super().__init__(
            "labeller_paused",
            f"{labeller} is paused in tasks of kind {kind}.",
            "Talk to whoever runs the task: an expert may let you go on.",
        )


# Every label and every claim asks these: each is made once.
_OF_KIND: Any = of_desk(Reliability, bindparam("of_desk")).where(  # type: ignore[arg-type]
    Reliability.kind == bindparam("kind")
)
_OF_LABELLER = _OF_KIND.where(Reliability.labeller == bindparam("labeller"))
_OF_LABELLERS = _OF_KIND.where(col(Reliability.labeller).in_(bindparam("labellers", expanding=True)))
_ACCURACIES = _OF_LABELLERS.with_only_columns(col(Reliability.labeller), col(Reliability.accuracy))
_UNTRUSTED = _OF_LABELLERS.where(
    col(Reliability.paused_at).is_not(None), col(Reliability.paused_by).is_(None)
)


def find_reliability(session: Session, *, desk_id: str, kind: str, labeller: str) -> Reliability | None:
    asked = {"of_desk": desk_id, "kind": kind, "labeller": labeller}
    row: Reliability | None = session.scalars(_OF_LABELLER, asked).one_or_none()
    return row


def list_reliabilities(
    session: Session, *, desk_id: str, kind: str | None = None, labeller: str | None = None
) -> list[Reliability]:
    query = of_desk(Reliability, desk_id).order_by(col(Reliability.kind), col(Reliability.labeller))
    if kind is not None:
        query = query.where(col(Reliability.kind) == kind)
    if labeller is not None:
        query = query.where(col(Reliability.labeller) == labeller)
    return list(session.exec(query))


def read_accuracies(
    session: Session, *, desk_id: str, kind: str, labellers: Sequence[str]
) -> dict[str, float]:
    """The estimated accuracy of those of whom one is known."""
    asked = {"of_desk": desk_id, "kind": kind, "labellers": list(labellers)}
    rows: Any = session.execute(_ACCURACIES, asked).all()
    return {labeller: accuracy for labeller, accuracy in rows}


def read_trusted_until(
    session: Session, *, desk_id: str, kind: str, labellers: Collection[str]
) -> dict[str, datetime]:
    """Of those who are paused on evidence: the time of the last gold item that they passed. What they said
    since waits.
    """
    asked = {"of_desk": desk_id, "kind": kind, "labellers": list(labellers)}
    trusted = {}
    for row in session.scalars(_UNTRUSTED, asked).all():
        gold = (
            select(Label.created_at, Label.value, Item.gold)
            .join(Item, col(Item.id) == col(Label.item_id))
            .join(Task, col(Task.id) == col(Label.task_id))
            .where(Label.labeller == row.labeller, Task.kind == kind, Task.desk_id == desk_id)
            .where(col(Item.gold).is_not(null()))
        )
        passed = [at for at, value, right in session.exec(gold) if value == right]
        trusted[row.labeller] = max(passed, default=BEGINNING)
    return trusted


def save_reliability(session: Session, *, row: Reliability) -> Reliability:
    return save_row(session, row)


def require_active(session: Session, *, desk_id: str, kind: str, labeller: str) -> None:
    """Raises LabellerPaused."""
    row = find_reliability(session, desk_id=desk_id, kind=kind, labeller=labeller)
    if row is not None and row.paused_at is not None:
        raise LabellerPaused(labeller, kind)
