"""Queries over policies: which was in force since when, and why it changed.

Rows are only ever added, but for the reason of a change, which may be given once and later than the change.
"""

from collections.abc import Sequence

from sqlmodel import Session, col

from feedback.store.deployments import hold_desk
from feedback.store.engine import get_row, of_desk, save_row
from feedback.store.tables import PolicyChange


def note_policy(session: Session, *, change: PolicyChange) -> bool:
    """Adds the row if its policy differs from the one before, or is the first; returns whether it did."""
    hold_desk(session, desk_id=change.desk_id)  # two processes that start at once write one row
    before = find_latest_change(session, desk_id=change.desk_id)
    if before is not None and before.sha256 == change.sha256:
        return False
    save_row(session, change)
    return True


def list_changes(session: Session, *, desk_id: str, limit: int = 20) -> Sequence[PolicyChange]:
    """The policy changes of a desk, newest first."""
    query = of_desk(PolicyChange, desk_id).order_by(col(PolicyChange.id).desc())
    return session.exec(query.limit(limit)).all()


def find_latest_change(session: Session, *, desk_id: str) -> PolicyChange | None:
    return next(iter(list_changes(session, desk_id=desk_id, limit=1)), None)


def give_reason(session: Session, *, desk_id: str, change_id: int, reason: str, actor: str) -> PolicyChange:
    """Gives the reason of a policy change; only the first one is kept. Raises NotFound."""
    hold_desk(session, desk_id=desk_id)
    row = get_row(session, PolicyChange, change_id, desk_id=desk_id, what="policy_change")
    if row.reason is None:
        row.reason, row.actor = reason, actor
        save_row(session, row)
    return row
