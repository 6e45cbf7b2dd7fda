"""How reliable each labeller is in a kind of task, and who is paused. Keyword-only, session first, no
commit.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from sqlalchemy import null
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


def find_reliability(session: Session, *, desk_id: str, kind: str, labeller: str) -> Reliability | None:
    query = of_desk(Reliability, desk_id).where(Reliability.kind == kind, Reliability.labeller == labeller)
    return session.exec(query).one_or_none()


def list_reliabilities(session: Session, *, desk_id: str, kind: str | None = None) -> list[Reliability]:
    query = of_desk(Reliability, desk_id).order_by(col(Reliability.kind), col(Reliability.labeller))
    if kind is not None:
        query = query.where(col(Reliability.kind) == kind)
    return list(session.exec(query))


def read_accuracies(
    session: Session, *, desk_id: str, kind: str, labellers: Sequence[str]
) -> dict[str, float]:
    """The estimated accuracy of those of whom one is known."""
    query = select(Reliability.labeller, Reliability.accuracy).where(
        Reliability.desk_id == desk_id, Reliability.kind == kind, col(Reliability.labeller).in_(labellers)
    )
    return dict(session.exec(query).all())


def read_trusted_until(
    session: Session, *, desk_id: str, kind: str, labellers: Collection[str]
) -> dict[str, datetime]:
    """Of those who are paused on evidence: the time of the last gold item that they passed. What they said
    since waits.
    """
    paused = of_desk(Reliability, desk_id).where(
        Reliability.kind == kind,
        col(Reliability.labeller).in_(labellers),
        col(Reliability.paused_at).is_not(None),
        col(Reliability.paused_by).is_(None),
    )
    trusted = {}
    for row in session.exec(paused):
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
