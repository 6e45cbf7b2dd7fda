"""Queries over exposure decisions: what the picks said about an adapter at each look. Rows are only ever
added.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col

from feedback.store.engine import of_desk
from feedback.store.tables import ExposureDecision


def add_decision(
    session: Session,
    *,
    desk_id: str,
    adapter: str,
    verdict: str,
    reasons: Sequence[dict[str, Any]],
    evidence: dict[str, Any],
    picks_needed: int | None,
    policy: str,
    policy_sha256: str,
    actor: str,
    now: datetime,
) -> ExposureDecision:
    row = ExposureDecision(
        desk_id=desk_id,
        adapter=adapter,
        verdict=verdict,
        reasons=list(reasons),
        evidence=evidence,
        picks_needed=picks_needed,
        policy=policy,
        policy_sha256=policy_sha256,
        actor=actor,
        at=now,
    )
    session.add(row)
    session.flush()
    return row


def list_decisions(
    session: Session, *, desk_id: str, adapter: str, limit: int = 200
) -> Sequence[ExposureDecision]:
    """The exposure decisions about an adapter, newest first."""
    query = of_desk(ExposureDecision, desk_id).where(ExposureDecision.adapter == adapter)
    return session.exec(query.order_by(col(ExposureDecision.id).desc()).limit(limit)).all()


def find_latest_look(session: Session, *, desk_id: str, adapter: str) -> ExposureDecision | None:
    return next(iter(list_decisions(session, desk_id=desk_id, adapter=adapter, limit=1)), None)
