"""Rollout decisions: what the picks said about an adapter at each interim analysis. Rows are only ever
added.
"""

from collections.abc import Sequence

from sqlmodel import Session, col

from feedback.store.engine import of_desk
from feedback.store.tables import RolloutDecision


def list_decisions(
    session: Session, *, desk_id: str, adapter: str, limit: int = 200
) -> Sequence[RolloutDecision]:
    """The rollout decisions about an adapter, newest first."""
    query = of_desk(RolloutDecision, desk_id).where(RolloutDecision.adapter == adapter)
    return session.exec(query.order_by(col(RolloutDecision.id).desc()).limit(limit)).all()


def find_latest_rollout_decision(session: Session, *, desk_id: str, adapter: str) -> RolloutDecision | None:
    return next(iter(list_decisions(session, desk_id=desk_id, adapter=adapter, limit=1)), None)
