"""Approvals and vetoes of people: an approval lets somebody else take an adapter live; a veto keeps it out of
service or takes it out. This module writes rows only; the caller owns the transaction and calls
`deploy.reconcile_later` after it.
"""

from sqlmodel import Session

from feedback.actor import Actor
from feedback.deployment.deploy import Deployer, RolledBack, write_rollback
from feedback.errors import Conflict, IllegalTransition, NothingToRollBack
from feedback.store import adapters, approvals, deployments
from feedback.store.engine import get_row
from feedback.store.tables import User


class VetoNotGiven(Conflict):
    def __init__(self, role: str) -> None:
        super().__init__(
            "veto_not_given",
            f"This desk's policy gives the role {role!r} no veto.",
            "Ask an admin to veto it, or set [approval] expert_veto in the policy file.",
        )


def approve_adapter(session: Session, ctx: Deployer, name: str, *, actor: Actor, reason: str) -> None:
    """Approves an adapter and takes back this person's own veto. IllegalTransition where the gate refused."""
    _add_word(session, ctx, name, actor=actor, kind=approvals.APPROVE, reason=reason)


def veto_adapter(
    session: Session, ctx: Deployer, name: str, *, actor: Actor, reason: str
) -> RolledBack | None:
    """Vetoes an adapter; returns the rollback if it was serving. VetoNotGiven if the policy gives none."""
    if actor.role != "admin" and not ctx.policy.approval.expert_veto:
        raise VetoNotGiven(actor.role)
    deployments.hold_desk(session, desk_id=actor.desk_id)  # so that nobody publishes the adapter meanwhile
    _add_word(session, ctx, name, actor=actor, kind=approvals.VETO, reason=reason)
    try:
        return write_rollback(
            session,
            ctx,
            actor=name_person(session, actor),
            reason=f"vetoed: {reason}",
            only=name,
            desk_id=actor.desk_id,
        )
    except NothingToRollBack:
        return None


def name_person(session: Session, actor: Actor) -> str:
    """The person behind a browser session or their own token: they count as one, whichever they use."""
    if actor.user_id is None:
        return actor.name
    return get_row(session, User, actor.user_id, desk_id=actor.desk_id, what="user").name


def _add_word(
    session: Session, ctx: Deployer, name: str, *, actor: Actor, kind: approvals.Kind, reason: str
) -> None:
    adapter = adapters.get_adapter(session, desk_id=actor.desk_id, name=name)
    if adapter.state in ("trained", "refused"):
        raise IllegalTransition(name, adapter.state, "live")
    approvals.add_word(
        session,
        desk_id=actor.desk_id,
        adapter=name,
        actor=name_person(session, actor),
        kind=kind,
        reason=reason,
        now=ctx.clock.now(),
    )
