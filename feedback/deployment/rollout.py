"""Rollout in service: evaluates what the picks say about the adapters that serve, and acts on it.

    take_out_harmful    every minute: counts by agent alone, and a rollback where harm is proven
    evaluate_canary     every night and before a newer adapter takes the canary's place: the whole evidence,
                        written down; then `apply_decision` lets the canary go live, retires it, or
                        rolls it back

The rule itself is pure and stands in `feedback/experiments/rollout_rule.py`; what policy and people forbid is
added here. Judgements are read in short transactions. Imports numpy only inside `decide_now`, so that the web
may import this module.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.deployment.deploy import (
    Deployer,
    publish_canary,
    reconcile_later,
    write_retirement,
    write_rollback,
)
from feedback.deployment.expert_score import find_low_score
from feedback.deployment.policy import Policy
from feedback.errors import AdapterOfOtherBase, AdapterVetoed, NothingToRollBack, StaleFencingToken
from feedback.experiments.picks import read_picks
from feedback.experiments.rollout_rule import Evidence, Reason, Rollout, decide_rollout
from feedback.experiments.support import support_of
from feedback.store import runs
from feedback.store.approvals import Words, read_words
from feedback.store.deployments import LIVE, serving_state
from feedback.store.engine import read, save_row, unit_of_work
from feedback.store.runs import RunToken
from feedback.store.tables import DEFAULT_DESK, RolloutDecision

log = logging.getLogger(__name__)

SAID = {
    "hold": "It stays undecided",
    "go_live": "It goes live by the evidence",
    "roll_back": "It is taken back by the evidence",
    "retire": "It leaves undecided",
}


@dataclass(frozen=True)
class InterimAnalysis:
    """What the picks of an adapter in service say at one time, and the decision that follows."""

    evidence: Evidence
    rollout: Rollout

    @property
    def reason(self) -> str:
        """A sentence for the deployment's row and the adapter's history."""
        tally = self.evidence.tally
        told = "; ".join(
            f"{reason.text} {reason.value} (limit {reason.limit:g})" for reason in self.rollout.reasons
        )
        return f"{SAID[self.rollout.verdict]}, on {tally.won} of {tally.decided} picks: {told}."


def evaluate_canary(
    ctx: Deployer, *, actor: str, run_token: RunToken | None = None, desk_id: str = DEFAULT_DESK
) -> InterimAnalysis | None:
    """Decides about the canary and stores that; None without a canary. Changes nothing that serves.

    A worker passes its run's token: StaleLease writes nothing.
    """
    with read(ctx.store_engine) as session:
        name = serving_state(session, desk_id=desk_id).canary
    if name is None:
        return None
    found = decide_now(ctx.store_engine, name, policy=ctx.policy, actor=actor, desk_id=desk_id)
    with unit_of_work(ctx.store_engine) as session:
        if run_token is not None:
            runs.check_token(session, run_id=run_token.run_id, token=run_token.fencing_token)
        _write_down(session, ctx, found, actor=actor, desk_id=desk_id)
    log.info("canary %s: %s", name, found.reason)
    return found


def apply_decision(
    ctx: Deployer,
    found: InterimAnalysis,
    *,
    actor: str,
    run_token: RunToken | None = None,
    desk_id: str = DEFAULT_DESK,
) -> None:
    """Carries out the decision of an interim analysis, if its adapter is still the canary. Repeating it is
    harmless.

    Raises ServingError where the engine does not take an adapter that should go live.
    """
    name, verdict = found.evidence.adapter, found.rollout.verdict
    if verdict == "hold":
        return
    with read(ctx.store_engine) as session:
        state = serving_state(session, desk_id=desk_id)
    if state.canary != name:
        return
    if verdict == "go_live":
        try:
            publish_canary(
                ctx,
                name,
                role=LIVE,
                actor=actor,
                reason=found.reason,
                expected_token=state.fencing_token,
                run_token=run_token,
                desk_id=desk_id,
            )
        except (
            StaleFencingToken,
            AdapterVetoed,
            AdapterOfOtherBase,  # another base serves since: nobody sees it now
        ) as overtaken:  # the decision's state is out of date: look again
            log.warning("canary %s does not go live: %s", name, overtaken)
        return
    with unit_of_work(ctx.store_engine) as session:
        if run_token is not None:
            runs.check_token(session, run_id=run_token.run_id, token=run_token.fencing_token)
        leave = write_rollback if verdict == "roll_back" else write_retirement
        try:
            leave(session, ctx, actor=actor, reason=found.reason, only=name, desk_id=desk_id)
        except NothingToRollBack:  # somebody else was faster
            return
    reconcile_later(ctx)


def take_out_harmful(ctx: Deployer, *, actor: str, desk_id: str = DEFAULT_DESK) -> list[str]:
    """Rolls back every serving adapter that is proven worse than base, by counts alone. Returns their
    names.
    """
    with read(ctx.store_engine) as session:
        named = sorted(serving_state(session, desk_id=desk_id).named)
    taken = []
    for name in named:
        harmful = count_now(ctx.store_engine, name, policy=ctx.policy, desk_id=desk_id)
        if harmful.rollout.verdict != "roll_back":
            continue
        try:
            with unit_of_work(ctx.store_engine) as session:
                write_rollback(session, ctx, actor=actor, reason=harmful.reason, only=name, desk_id=desk_id)
                _write_down(session, ctx, harmful, actor=actor, desk_id=desk_id)
        except NothingToRollBack:  # somebody else was faster
            continue
        log.warning("adapter %s is taken out: %s", name, harmful.reason)
        taken.append(name)
        reconcile_later(ctx)
    return taken


def decide_now(
    store_engine: Engine, name: str, *, policy: Policy, actor: str, desk_id: str = DEFAULT_DESK
) -> InterimAnalysis:
    """The present decision about an adapter, with everything that forbids it to go live by itself."""
    from feedback.experiments.measure import measure_picks  # numpy and scipy: the web imports this module

    picks = read_picks(store_engine, name, desk_id=desk_id)
    evidence = measure_picks(name, picks, policy.exposure).evidence
    rollout = decide_rollout(evidence, policy.exposure)
    with read(store_engine) as session:
        blocks = read_blocks(session, policy, desk_id=desk_id, adapter=name, actor=actor)
    return InterimAnalysis(evidence, hold_back(rollout, blocks))


def count_now(
    store_engine: Engine, name: str, *, policy: Policy, desk_id: str = DEFAULT_DESK
) -> InterimAnalysis:
    """The present decision about an adapter from counts alone, which can prove harm and no win."""
    with read(store_engine) as session:
        support = support_of(session, name, desk_id=desk_id)
    evidence = Evidence(name, support.tally, agents=support.agents, e_harm=support.e_harm)
    return InterimAnalysis(evidence, decide_rollout(evidence, policy.exposure))


def read_blocks(
    session: Session, policy: Policy, *, desk_id: str, adapter: str, actor: str
) -> tuple[Reason, ...]:
    """Everything that forbids an adapter to go live on evidence."""
    blocks = find_blocks(policy, read_words(session, desk_id=desk_id, adapter=adapter), actor=actor)
    low = find_low_score(session, policy, desk_id=desk_id, adapter=adapter)
    return blocks if low is None else (*blocks, low)


def find_blocks(policy: Policy, words: Words, *, actor: str) -> tuple[Reason, ...]:
    """The rules and vetoes that forbid going live on evidence. Pure."""
    blocks = []
    if words.vetoes:
        told = ", ".join(f"{row.actor}: {row.reason}" for row in words.vetoes)
        blocks.append(Reason("vetoed", f"vetoed by {told}", len(words.vetoes), 0))
    if not policy.canary.go_live:
        blocks.append(Reason("by_hand", "this policy lets a person alone take it live", 0, 1))
    approvals = words.count_approvals(other_than=actor)
    if policy.approval.second_person and not approvals:
        blocks.append(Reason("approval", "approvals by a person", approvals, 1))
    return tuple(blocks)


def hold_back(rollout: Rollout, blocks: Sequence[Reason]) -> Rollout:
    """Holds an adapter that something forbids to go live. Leaving service is never forbidden. Pure."""
    if rollout.verdict != "go_live" or not blocks:
        return rollout
    return replace(rollout, verdict="hold", reasons=tuple(blocks))


def _write_down(session: Session, ctx: Deployer, found: InterimAnalysis, *, actor: str, desk_id: str) -> None:
    row = RolloutDecision(
        desk_id=desk_id,
        adapter=found.evidence.adapter,
        evidence=found.evidence.to_json(),
        **found.rollout.to_json(),
        policy=ctx.policy.name,
        policy_sha256=ctx.policy.sha256,
        actor=actor,
        at=ctx.clock.now(),
    )
    save_row(session, row)
