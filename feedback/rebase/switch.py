"""Switches to the new base on evidence, and goes back; both take effect at the next start.

    switch_base, return_base = the row says so; the caller writes the settings
    take_up_base             = called by `rejoinder up` before its engine starts: the deployments follow

Deployments that changed while the old engine runs would take its adapter out at once, so they wait.
"""

from datetime import datetime

from sqlmodel import Session

from feedback.deployment.deploy import Deployer, check_servable, is_on_disk, read_base_id
from feedback.rebase.compare import find_trained_run
from feedback.rebase.evidence import choose_arm, read_limits
from feedback.rebase.plan import find_old_adapter
from feedback.store.adapters import get_adapter
from feedback.store.decisions import NewDecision
from feedback.store.deployments import LIVE, hold_desk, serving_state
from feedback.store.engine import save_row, unit_of_work
from feedback.store.rebases import (
    NEW_TUNED,
    OPEN,
    RETURNED,
    RETURNING,
    SWITCHED,
    SWITCHING,
    find_rebase_under_way,
    get_latest_rebase,
    move_rebase,
)
from feedback.store.tables import DEFAULT_DESK, Rebase


def switch_base(ctx: Deployer, *, actor: str, reason: str, desk_id: str = DEFAULT_DESK) -> Rebase:
    """Decides for the new base. Raises NoRebase, NotTrained, NotProven, and what forbids its adapter to go
    live (AdapterVetoed, ApprovalMissing, AdapterErased, AdapterFilesMissing).
    """
    with unit_of_work(ctx.store_engine) as session:
        hold_desk(session, desk_id=desk_id)
        rebase = get_latest_rebase(session, desk_id=desk_id, state=OPEN)
        run = find_trained_run(session, rebase)
        old, _ = find_old_adapter(serving_state(session, desk_id=desk_id))
        arm = choose_arm(read_limits(session, rebase, ctx.policy.exposure, old=old))
        if arm == NEW_TUNED:
            check_servable(session, ctx, str(run.adapter), LIVE, actor, desk_id)
        return move_rebase(
            session,
            rebase=rebase,
            to_state=SWITCHING,
            actor=actor,
            reason=reason,
            now=ctx.clock.now(),
            arm=arm,
        )


def return_base(ctx: Deployer, *, actor: str, reason: str, desk_id: str = DEFAULT_DESK) -> Rebase:
    """Decides for the old base again, which needs no evidence. Raises NoRebase."""
    with unit_of_work(ctx.store_engine) as session:
        hold_desk(session, desk_id=desk_id)
        rebase = get_latest_rebase(session, desk_id=desk_id, state=SWITCHED)
        return move_rebase(
            session, rebase=rebase, to_state=RETURNING, actor=actor, reason=reason, now=ctx.clock.now()
        )


def take_up_base(ctx: Deployer, *, desk_id: str = DEFAULT_DESK) -> str | None:
    """Makes the deployments follow a switch, if this start serves the base that it chose. Returns what
    happened, or None. Repeating it is harmless.
    """
    with unit_of_work(ctx.store_engine) as session:
        hold_desk(session, desk_id=desk_id)
        rebase = find_rebase_under_way(session, desk_id=desk_id)
        if rebase is None:
            return None
        target = {SWITCHING: rebase.base_id, RETURNING: rebase.old_base_id}.get(rebase.state)
        if target is None:
            return None
        if read_base_id(ctx) != target:
            wanted = rebase.base_model if rebase.state == SWITCHING else rebase.old_base_model
            return f"{wanted} was decided for and does not serve: name it in [serving] base_model"
        now = ctx.clock.now()
        follow = _serve_new if rebase.state == SWITCHING else _serve_old
        return follow(session, ctx, rebase, now)


def _serve_new(session: Session, ctx: Deployer, rebase: Rebase, now: datetime) -> str:
    state = serving_state(session, desk_id=rebase.desk_id)
    rebase.old_adapter, rebase.old_role = find_old_adapter(state)  # for the way back
    save_row(session, rebase)
    adapter = find_trained_run(session, rebase).adapter if rebase.arm == NEW_TUNED else None
    served = _serve(session, ctx, rebase, adapter, LIVE, now)
    _end_step(session, rebase, SWITCHED, now)
    return f"switched to {rebase.base_model}; {served or 'the base alone'} serves"


def _serve_old(session: Session, ctx: Deployer, rebase: Rebase, now: datetime) -> str:
    served = _serve(session, ctx, rebase, rebase.old_adapter, rebase.old_role or LIVE, now)
    _end_step(session, rebase, RETURNED, now)
    return f"returned to {rebase.old_base_model}; {served or 'the base alone'} serves"


def _serve(
    session: Session, ctx: Deployer, rebase: Rebase, adapter: str | None, role: str, now: datetime
) -> str | None:
    """Takes out what served, and puts this adapter in its place unless something forbids it by now."""
    decision = NewDecision(session, rebase.desk_id, rebase.actor, rebase.reason, now)
    decision.serve_base()
    if adapter is None:
        return None
    row = get_adapter(session, desk_id=rebase.desk_id, name=adapter)
    if not decision.may_serve(row, is_on_disk=lambda name: is_on_disk(ctx, name)):
        return None
    decision.point(role, adapter, 1.0 if role == LIVE else ctx.policy.canary.share)
    return adapter


def _end_step(session: Session, rebase: Rebase, to_state: str, now: datetime) -> None:
    move_rebase(session, rebase=rebase, to_state=to_state, actor=rebase.actor, reason=rebase.reason, now=now)
