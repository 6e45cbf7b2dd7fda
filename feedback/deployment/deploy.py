"""Publishes, promotes and rolls back adapters, and makes the engine agree with the deployment rows.

The deployment rows are the truth; `manifest.json` and what the engine has loaded are derived from them by
`reconcile`, which may be repeated at any time. Used by the web, the command line and the worker alike.

    publish   = bring up (load, probe) -> rows in one transaction -> manifest -> unload what no row names
    rollback  = rows in one transaction -> manifest -> load the restored one, unload the other

A checkpoint is brought up by the second engine, which `rejoinder up` starts for it (checkpoints.py).

A crash between any two steps leaves the old or the new adapter serving; the next `reconcile` mends the rest.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.clock import Clock
from feedback.deployment import checkpoints
from feedback.deployment.expert_score import find_low_score
from feedback.deployment.model_cards import refresh_cards
from feedback.deployment.needed import BRING_UP_GRACE, is_needed
from feedback.deployment.policy import Policy
from feedback.errors import (
    AdapterFilesMissing,
    AdapterOfOtherBase,
    AdapterVetoed,
    ApprovalMissing,
    CheckpointServes,
    ExpertScoreLow,
    NothingToRollBack,
)
from feedback.store import adapters, deployments, runs
from feedback.store.approvals import read_words
from feedback.store.decisions import NewDecision
from feedback.store.deployments import CANARY, LIVE, ServingState, serving_state
from feedback.store.engine import read, unit_of_work
from feedback.store.runs import RunToken
from feedback.store.tables import DEFAULT_DESK
from serving.adapters.manifest import Manifest, read_manifest, write_manifest
from serving.adapters.probe import TOLERANCE
from serving.adapters.publish import bring_up
from serving.adapters.staging import NAME_PATTERN, adapter_path
from serving.base import compute_base_id, is_whole_model
from serving.client.fleet import Fleet
from serving.errors import BaseModelUnknown, ServingError
from serving.settings import ServingSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Deployer:
    """The parts that deploying needs. `fleet_factory` returns the engine's clients or raises ServingError."""

    store_engine: Engine
    fleet_factory: Callable[[], Fleet]
    settings: ServingSettings
    data_dir: Path
    clock: Clock
    policy: Policy
    patience_s: float | None = None
    """How long a checkpoint's engine is waited for; None as long as the settings let an engine start."""

    def find_patience(self) -> float:
        return self.settings.ready_timeout_s if self.patience_s is None else self.patience_s


@dataclass(frozen=True)
class RolledBack:
    """The result of a rollback. `to` is what serves now; None is the base alone."""

    from_: str
    to: str | None
    fencing_token: int


def publish_canary(
    ctx: Deployer,
    name: str,
    *,
    role: str,
    actor: str,
    reason: str,
    expected_token: int | None = None,
    run_token: RunToken | None = None,
    share: float = 1.0,
    desk_id: str = DEFAULT_DESK,
) -> int:
    """Serves an adapter as `canary` or `live`; returns the fencing token. It may be repeated after a crash.

    A worker passes its run's token and the fencing token it decided at: StaleLease and StaleFencingToken
    change nothing.
    """
    with unit_of_work(ctx.store_engine) as session:
        state = serving_state(session, desk_id=desk_id)
        if state.pointer(role) != name:
            _check_publishable(session, ctx, name, role, actor, desk_id)
            adapter = adapters.get_adapter(session, desk_id=desk_id, name=name)
            adapters.note_event(
                session,
                name=name,
                from_state=adapter.state,
                to_state=adapter.state,
                reason=f"bringing up as {role}",
                actor=actor,
                now=ctx.clock.now(),
            )
    if state.pointer(role) == name:
        reconcile_later(ctx)
        return state.fencing_token
    _bring_up(ctx, name)
    with unit_of_work(ctx.store_engine) as session:
        deployments.hold_desk(session, desk_id=desk_id)
        if expected_token is not None:
            deployments.check_fencing_token(session, desk_id=desk_id, expected=expected_token)
        if run_token is not None:
            runs.check_token(session, run_id=run_token.run_id, token=run_token.fencing_token)
        _check_publishable(session, ctx, name, role, actor, desk_id)
        run_id = run_token.run_id if run_token else None
        decision = NewDecision(session, desk_id, actor, reason, ctx.clock.now(), run_id)
        fencing_token = decision.point(role, name, share)
    log.info("adapter %s is %s with fencing token %d", name, role, fencing_token)
    reconcile_later(ctx)
    return fencing_token


def promote_adapter(ctx: Deployer, name: str, *, actor: str, reason: str, desk_id: str = DEFAULT_DESK) -> int:
    """Makes an adapter live by a person's decision, and ends the canary; what the gate refused stays so.

    AdapterVetoed, AdapterOfOtherBase and, where the policy asks for a second person, ApprovalMissing change
    nothing.
    """
    return publish_canary(ctx, name, role=LIVE, actor=actor, reason=reason, desk_id=desk_id)


def roll_back_adapter(
    ctx: Deployer, *, actor: str, reason: str, only: str | None = None, desk_id: str = DEFAULT_DESK
) -> RolledBack:
    """Takes the serving adapter out at once and restores the one before it. Needs no engine and no run.

    With `only`, nothing is done unless that adapter serves: NothingToRollBack.
    """
    with unit_of_work(ctx.store_engine) as session:
        done = write_rollback(session, ctx, actor=actor, reason=reason, only=only, desk_id=desk_id)
    log.warning("adapter %s is rolled back to %s: %s", done.from_, done.to or "base", reason)
    reconcile_later(ctx)
    return done


def write_rollback(
    session: Session,
    ctx: Deployer,
    *,
    actor: str,
    reason: str,
    only: str | None = None,
    desk_id: str = DEFAULT_DESK,
) -> RolledBack:
    """Writes the rows of a rollback in the caller's transaction. Call `reconcile_later` after the commit."""
    deployments.hold_desk(session, desk_id=desk_id)
    role, from_ = _find_serving(session, only=only, desk_id=desk_id)
    decision = NewDecision(session, desk_id, actor, reason, ctx.clock.now())

    def may_return(name: str) -> bool:
        return is_on_disk(ctx, name) and checkpoints.find_other(session, name, leaving=from_) is None

    fencing_token = decision.restore(role, from_, is_on_disk=may_return)
    after = serving_state(session, desk_id=desk_id)
    return RolledBack(from_, after.canary or after.live, fencing_token)


def write_retirement(
    session: Session, ctx: Deployer, *, actor: str, reason: str, only: str, desk_id: str = DEFAULT_DESK
) -> None:
    """Writes the rows that retire a canary without a successor; it may return later. Call `reconcile_later`
    after the commit. Raises NothingToRollBack unless this adapter is the canary.
    """
    deployments.hold_desk(session, desk_id=desk_id)
    if serving_state(session, desk_id=desk_id).canary != only:
        raise NothingToRollBack
    NewDecision(session, desk_id, actor, reason, ctx.clock.now()).retire(CANARY, only)


def reconcile(ctx: Deployer) -> None:
    """Makes manifest and engine agree with the rows: loads the adapters they name, unloads all others.

    It does not wait: an adapter that a set in preparation may still ask for is left to the next call. Raises
    ServingError when there is no engine; the manifest is right even then.
    """
    with read(ctx.store_engine) as session:
        state = serving_state(session, desk_id=DEFAULT_DESK)
        named = deployments.list_named(session)
        usable = {
            name for name in named if adapters.is_of_base(session, name=name, base_id=read_base_id(ctx))
        }
    _write_manifest(ctx, state)
    fleet = ctx.fleet_factory()
    loaded, missing = set(fleet.list_models()), []
    for name in sorted(usable - loaded):
        try:
            fleet.load_adapter(name, adapter_path(ctx.data_dir, name))
        except ServingError as failure:
            missing.append(name)
            log.error("adapter %s serves by the rows but cannot be loaded, base stands in: %s", name, failure)
    _note_missing(ctx, tuple(missing))
    for name in sorted(loaded - usable):
        if NAME_PATTERN.fullmatch(name) and not _is_needed(ctx, name):
            fleet.unload_adapter(name)
            log.info("adapter %s is unloaded", name)


def find_wanted_checkpoint(ctx: Deployer, running: str | None) -> str | None:
    """The checkpoint that the second engine should serve now. `running`: the one that it serves."""
    with read(ctx.store_engine) as session:
        return checkpoints.choose_wanted(
            session,
            running,
            base_id=read_base_id(ctx),
            now=ctx.clock.now(),
            within=max(BRING_UP_GRACE, timedelta(seconds=ctx.settings.ready_timeout_s)),
            is_on_disk=lambda name: is_on_disk(ctx, name),
        )


def reconcile_later(ctx: Deployer) -> None:
    """Reconciles after a committed decision; a failure is logged and repaired by the next call."""
    try:
        reconcile(ctx)
    except (ServingError, OSError) as failure:
        log.warning("deployed, but the engine does not serve it yet: %s", failure)


def _find_serving(session: Session, *, only: str | None, desk_id: str) -> tuple[str, str]:
    """The role and adapter to take out: `only` if it is given, else the canary, else the live one."""
    state = serving_state(session, desk_id=desk_id)
    for role in (CANARY, LIVE):
        name = state.pointer(role)
        if name is not None and only in (None, name):
            return role, name
    raise NothingToRollBack


def _check_publishable(
    session: Session, ctx: Deployer, name: str, role: str, actor: str, desk_id: str
) -> None:
    base_id = read_base_id(ctx)
    adapter = adapters.get_adapter(session, desk_id=desk_id, name=name)
    adapters.check_move(adapter, role)
    if not adapters.is_of_base(session, name=name, base_id=base_id):
        raise AdapterOfOtherBase(name, adapter.base_id, base_id)
    other = checkpoints.find_other(session, name)
    if other is not None:
        raise CheckpointServes(name, other)
    check_servable(session, ctx, name, role, actor, desk_id)


def check_servable(session: Session, ctx: Deployer, name: str, role: str, actor: str, desk_id: str) -> None:
    """Checks everything but the base. Raises IllegalTransition, AdapterErased, AdapterVetoed,
    ApprovalMissing, ExpertScoreLow or AdapterFilesMissing.
    """
    adapter = adapters.get_adapter(session, desk_id=desk_id, name=name)
    adapters.check_move(adapter, role)
    adapters.check_not_erased(session, adapter=adapter)
    words = read_words(session, desk_id=desk_id, adapter=name)
    if words.vetoes:
        raise AdapterVetoed(name, words.vetoes[-1].actor, words.vetoes[-1].reason)
    needs_approval = role == LIVE and ctx.policy.approval.second_person
    if needs_approval and not words.count_approvals(other_than=actor):
        raise ApprovalMissing(name, actor)
    low = find_low_score(session, ctx.policy, desk_id=desk_id, adapter=name) if role == LIVE else None
    if low is not None:
        raise ExpertScoreLow(name, low.value, low.limit)
    if not is_on_disk(ctx, name):
        raise AdapterFilesMissing(name, str(adapter_path(ctx.data_dir, name)))


def is_on_disk(ctx: Deployer, name: str) -> bool:
    return adapter_path(ctx.data_dir, name).is_dir()


def _bring_up(ctx: Deployer, name: str) -> None:
    path = adapter_path(ctx.data_dir, name)
    fleet = ctx.fleet_factory()
    if is_whole_model(path):
        checkpoints.await_engine(ctx.data_dir, name, within_s=ctx.find_patience())
        fleet = ctx.fleet_factory()
    bring_up(
        fleet,
        name,
        path,
        probe_path=path.parent / "probe.json",
        tolerance=TOLERANCE[ctx.settings.dtype],
    )


def read_base_id(ctx: Deployer) -> str:
    """The id of this installation's base; empty (not compared) if only remote engines have it."""
    try:
        return compute_base_id(ctx.settings.base_model)
    except BaseModelUnknown:
        return ""


def _write_manifest(ctx: Deployer, state: ServingState) -> None:
    manifest = Manifest(state.fencing_token, state.live, state.canary, state.share, ctx.clock.now())
    found = read_manifest(ctx.data_dir)
    if found is None or found != replace(manifest, missing=found.missing, written_at=found.written_at):
        refresh_cards(ctx.store_engine, ctx.data_dir, desk_id=DEFAULT_DESK)  # first: a crash repeats both
        write_manifest(ctx.data_dir, manifest)


def _note_missing(ctx: Deployer, missing: tuple[str, ...]) -> None:
    found = read_manifest(ctx.data_dir)
    if found is not None and found.missing != missing:
        write_manifest(ctx.data_dir, replace(found, missing=missing, written_at=ctx.clock.now()))


def _is_needed(ctx: Deployer, name: str) -> bool:
    with read(ctx.store_engine) as session:
        return is_needed(session, name, now=ctx.clock.now())
