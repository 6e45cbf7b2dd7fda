"""Queries over deployments: what serves now, what served before. Rows are only ever added.

Two pointers per desk: the latest `live` row and the latest `canary` row, each naming an adapter or none.
`fencing_token` grows by one with each row, so that a decision made on an older state is recognised and
refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, or_, select

from feedback.errors import StaleFencingToken
from feedback.store.engine import of_desk, save_row
from feedback.store.tables import Deployment, Desk

CANARY = "canary"
LIVE = "live"


@dataclass(frozen=True)
class ServingState:
    """What a desk serves: the live adapter, the canary and the share of conversations that sees it."""

    fencing_token: int = 0
    live: str | None = None
    canary: str | None = None
    share: float = 1.0

    @property
    def named(self) -> frozenset[str]:
        return frozenset(name for name in (self.live, self.canary) if name is not None)

    def pointer(self, role: str) -> str | None:
        assert role in (CANARY, LIVE), role
        return self.canary if role == CANARY else self.live


def serving_state(session: Session, *, desk_id: str) -> ServingState:
    live = _latest(session, desk_id, LIVE)
    canary = _latest(session, desk_id, CANARY)
    return ServingState(
        fencing_token=max((row.fencing_token for row in (live, canary) if row is not None), default=0),
        live=live.adapter if live else None,
        canary=canary.adapter if canary else None,
        share=canary.share if canary else 1.0,
    )


def list_named(session: Session) -> frozenset[str]:
    """The adapters that any desk serves."""
    desks = session.exec(select(Deployment.desk_id).distinct()).all()
    return frozenset().union(*(serving_state(session, desk_id=desk_id).named for desk_id in desks))


def hold_desk(session: Session, *, desk_id: str) -> None:
    """Locks the deployments of the desk: other decisions wait here until this transaction ends."""
    session.exec(select(Desk.id).where(Desk.id == desk_id).with_for_update(key_share=True))


def check_fencing_token(session: Session, *, desk_id: str, expected: int) -> None:
    found = serving_state(session, desk_id=desk_id).fencing_token
    if found != expected:
        raise StaleFencingToken(expected, found)


def add_deployment(
    session: Session,
    *,
    desk_id: str,
    role: str,
    adapter: str | None,
    actor: str,
    reason: str,
    now: datetime,
    share: float = 1.0,
    run_id: str | None = None,
) -> int:
    """Makes a role serve an adapter, or none (base). Returns the new fencing token, which is unique in
    the desk.
    """
    top = (
        session.exec(select(func.max(Deployment.fencing_token)).where(Deployment.desk_id == desk_id)).one()
        or 0
    )
    row = Deployment(
        desk_id=desk_id,
        role=role,
        adapter=adapter,
        share=share,
        fencing_token=top + 1,
        run_id=run_id,
        actor=actor,
        reason=reason,
        at=now,
    )
    save_row(session, row)
    return row.fencing_token


def list_deployments(
    session: Session, *, desk_id: str, role: str | None = None, limit: int = 200
) -> Sequence[Deployment]:
    """The deployments of a desk, newest first."""
    query = of_desk(Deployment, desk_id)
    if role is not None:
        query = query.where(Deployment.role == role)
    return session.exec(query.order_by(col(Deployment.fencing_token).desc()).limit(limit)).all()


def _latest(session: Session, desk_id: str, role: str) -> Deployment | None:
    query = of_desk(Deployment, desk_id).where(Deployment.role == role)
    return session.exec(query.order_by(col(Deployment.fencing_token).desc()).limit(1)).one_or_none()


def list_since(session: Session, *, desk_id: str, since: datetime) -> Sequence[Deployment]:
    """The deployments since a time, preceded by the row of each role that was in force then; oldest first."""
    before = (
        select(func.max(Deployment.fencing_token))
        .where(Deployment.desk_id == desk_id, Deployment.at < since)
        .group_by(col(Deployment.role))
    )
    query = of_desk(Deployment, desk_id).where(
        or_(col(Deployment.at) >= since, col(Deployment.fencing_token).in_(before))
    )
    return session.exec(query.order_by(col(Deployment.fencing_token))).all()
