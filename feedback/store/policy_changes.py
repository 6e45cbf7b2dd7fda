"""Queries over policies: which was in force since when, and why it changed.

Rows are only ever added, but for the reason of a change, which may be given once and later than the change.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col

from feedback.errors import NotFound
from feedback.store.deployments import hold_desk
from feedback.store.engine import of_desk
from feedback.store.tables import PolicyChange


def note_policy(
    session: Session,
    *,
    desk_id: str,
    name: str,
    sha256: str,
    limits: Mapping[str, str],
    now: datetime,
    reason: str | None = None,
    actor: str | None = None,
) -> bool:
    """Adds a row if this policy differs from the one before, or is the first; returns whether it did."""
    hold_desk(session, desk_id=desk_id)  # two processes that start at once write one row
    before = find_latest_change(session, desk_id=desk_id)
    if before is not None and before.sha256 == sha256:
        return False
    row = PolicyChange(
        desk_id=desk_id, name=name, sha256=sha256, limits=dict(limits), reason=reason, actor=actor, at=now
    )
    session.add(row)
    session.flush()
    return True


def list_changes(session: Session, *, desk_id: str, limit: int = 20) -> Sequence[PolicyChange]:
    """The policy changes of a desk, newest first."""
    query = of_desk(PolicyChange, desk_id).order_by(col(PolicyChange.id).desc())
    return session.exec(query.limit(limit)).all()


def find_latest_change(session: Session, *, desk_id: str) -> PolicyChange | None:
    return next(iter(list_changes(session, desk_id=desk_id, limit=1)), None)


def give_reason(session: Session, *, desk_id: str, change_id: int, reason: str, actor: str) -> PolicyChange:
    """Gives the reason of a policy change. Only the first reason is kept; later ones change nothing. Raises
    NotFound.
    """
    hold_desk(session, desk_id=desk_id)
    row = session.exec(of_desk(PolicyChange, desk_id).where(PolicyChange.id == change_id)).one_or_none()
    if row is None:
        raise NotFound("policy_change", str(change_id))
    if row.reason is None:
        row.reason, row.actor = reason, actor
        session.add(row)
        session.flush()
    return row
