"""Queries over approvals and vetoes. Rows are only ever added; of each person the last word counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlmodel import Session, col

from feedback.store.engine import of_desk, save_row
from feedback.store.tables import Approval

Kind = Literal["approve", "veto"]
APPROVE: Kind = "approve"
VETO: Kind = "veto"


@dataclass(frozen=True)
class Words:
    """What people currently say about an adapter: the last row of each person, oldest first."""

    last: tuple[Approval, ...] = ()

    @property
    def vetoes(self) -> tuple[Approval, ...]:
        return tuple(row for row in self.last if row.kind == VETO)

    @property
    def approvals(self) -> tuple[Approval, ...]:
        return tuple(row for row in self.last if row.kind == APPROVE)

    def count_approvals(self, *, other_than: str) -> int:
        """The number of approvals by other people than this person, who cannot approve their own decision."""
        return sum(row.actor != other_than for row in self.approvals)


def add_word(
    session: Session, *, desk_id: str, adapter: str, actor: str, kind: Kind, reason: str, now: datetime
) -> Approval:
    row = Approval(desk_id=desk_id, adapter=adapter, actor=actor, kind=kind, reason=reason, at=now)
    return save_row(session, row)


def list_words(session: Session, *, desk_id: str, adapter: str) -> Sequence[Approval]:
    """All approvals and vetoes of an adapter, oldest first."""
    query = of_desk(Approval, desk_id).where(Approval.adapter == adapter)
    return session.exec(query.order_by(col(Approval.id))).all()


def read_words(session: Session, *, desk_id: str, adapter: str) -> Words:
    rows = list_words(session, desk_id=desk_id, adapter=adapter)
    last = {row.actor: row for row in rows}
    return Words(tuple(row for row in rows if last[row.actor] is row))
