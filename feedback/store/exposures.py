"""Queries over decisions on exposure: what the picks said about an adapter at each look. Rows are only ever
added.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col

from feedback.deployment.policy import Policy
from feedback.experiments.rollout_rule import Evidence, Exposure
from feedback.store.engine import of_desk
from feedback.store.tables import ExposureDecision


def add_decision(
    session: Session,
    *,
    desk_id: str,
    exposure: Exposure,
    evidence: Evidence,
    policy: Policy,
    actor: str,
    now: datetime,
) -> ExposureDecision:
    found = exposure.to_json()
    row = ExposureDecision(
        desk_id=desk_id,
        adapter=evidence.adapter,
        verdict=exposure.verdict,
        reasons=list(found["reasons"]),
        evidence=evidence.to_json(),
        picks_needed=exposure.picks_needed,
        policy=policy.name,
        policy_sha256=policy.sha256,
        actor=actor,
        at=now,
    )
    session.add(row)
    session.flush()
    return row


def list_decisions(
    session: Session, *, desk_id: str, adapter: str, limit: int = 200
) -> Sequence[ExposureDecision]:
    """Newest first."""
    query = of_desk(ExposureDecision, desk_id).where(ExposureDecision.adapter == adapter)
    return session.exec(query.order_by(col(ExposureDecision.id).desc()).limit(limit)).all()


def find_latest(session: Session, *, desk_id: str, adapter: str) -> ExposureDecision | None:
    return next(iter(list_decisions(session, desk_id=desk_id, adapter=adapter, limit=1)), None)
