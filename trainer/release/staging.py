"""From a run's directory to a version under its own name: probe, model card, staged files, and its row with
the verdict.

Every part may be repeated after a kill: the name is in the run's row before any file has it, staging the same
files again changes nothing, and row, verdict and decision are written together.
"""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from feedback.datasets.members import read_members
from feedback.store import adapters, runs
from feedback.store.engine import unit_of_work
from feedback.store.runs import RunToken
from feedback.store.tables import Adapter
from serving.adapters.probe import GUARDS
from serving.adapters.staging import next_adapter_name, stage_adapter, stage_checkpoint
from serving.base import compute_base_id
from trainer.context import NightContext
from trainer.errors import RecipeRefused
from trainer.evaluation.gate import GateDecision
from trainer.evaluation.guards.sets import list_prompts
from trainer.evaluation.report import OfflineReport
from trainer.recipes.methods import NEVER_SERVED
from trainer.recipes.recipe import Recipe
from trainer.release.card import Origin, write_card

ACTOR = "trainer"


@dataclass(frozen=True)
class Finished:
    """Everything a run knows about its adapter after the gate has decided."""

    recipe: Recipe
    dataset: Path
    metrics: dict[str, Any]
    report: OfflineReport
    decision: GateDecision


def stage(ctx: NightContext, token: RunToken, finished: Finished) -> str:
    """Stages the adapter and registers it as passed or refused; returns its name. Raises RecipeRefused if no
    engine can serve what the recipe's method trains.
    """
    if not finished.recipe.is_served:
        told = f"method: {finished.recipe.method}: {NEVER_SERVED}"
        raise RecipeRefused(finished.recipe.name, [told])
    name = ctx.read_run(token.run_id).adapter or take_name(ctx, token)
    run_dir, base_id = ctx.run_dir(token.run_id), compute_base_id(ctx.base)
    origin = Origin(
        name=name,
        base=ctx.serving.base_model,
        base_id=base_id,
        dataset_id=finished.dataset.name,
        run_id=token.run_id,
        members=read_members(finished.dataset),
    )
    card = write_card(
        origin,
        recipe=finished.recipe,
        metrics=finished.metrics,
        report=finished.report,
        decision=finished.decision,
        actor=ACTOR,
        now=ctx.clock.now(),
    )
    (run_dir / "README.md").write_text(card, encoding="utf-8")
    make_probe(ctx, finished, run_dir, base_id)
    stage_files = (
        stage_checkpoint
        if finished.recipe.is_whole
        else partial(stage_adapter, max_rank=ctx.serving.max_lora_rank)
    )
    target = stage_files(run_dir / "adapter", ctx.data_dir / "adapters", name, base=ctx.base)
    register(ctx, token, name, target, base_id, finished)
    return name


def take_name(ctx: NightContext, token: RunToken) -> str:
    with unit_of_work(ctx.store_engine) as session:
        taken = adapters.list_names(session)
        name = next_adapter_name(ctx.data_dir / "adapters", ctx.clock.now().date(), taken)
        runs.advance(session, run_id=token.run_id, token=token.fencing_token, adapter=name)
    return name


def make_probe(ctx: NightContext, finished: Finished, run_dir: Path, base_id: str) -> None:
    """Writes the probe with guard prompts: it is kept for ever, so it has no customer's text."""
    from trainer.release.probe import write_probe  # torch: only in the child, only when needed

    measurement = finished.recipe.measurement
    write_probe(
        run_dir / "probe.json",
        run_dir / "adapter",
        ctx.base,
        base_id,
        list_prompts(measurement.probe_prompts),
        prompts_from=GUARDS,
        dtype=ctx.serving.dtype,
        threads=finished.recipe.threads,
        template_kwargs=ctx.serving.chat_template_kwargs,
    )


def register(
    ctx: NightContext, token: RunToken, name: str, target: Path, base_id: str, finished: Finished
) -> None:
    """Writes the adapter's row, its verdict and the run's decision, all together or not at all."""
    now, decision = ctx.clock.now(), finished.decision
    manifest = hashlib.sha256((target / "manifest.json").read_bytes()).hexdigest()
    with unit_of_work(ctx.store_engine) as session:
        runs.advance(
            session,
            run_id=token.run_id,
            token=token.fencing_token,
            decision=decision.verdict,
            reasons=[reason.to_json() for reason in decision.reasons],
        )
        adapter = Adapter(
            name=name,
            desk_id=ctx.desk_id,
            run_id=token.run_id,
            dataset_id=finished.dataset.name,
            base_id=base_id,
            manifest_sha256=manifest,
            report=finished.report.model_dump(mode="json"),
            is_checkpoint=finished.recipe.is_whole,
            created_at=now,
        )
        found = adapters.register_adapter(session, adapter=adapter, actor=ACTOR)
        if found.state == "trained":  # a rerun after publishing finds it further on
            adapters.move_adapter(
                session,
                desk_id=ctx.desk_id,
                name=name,
                to_state=decision.verdict,
                reason=", ".join(reason.code for reason in decision.reasons) or "passed the offline gate",
                actor=ACTOR,
                now=now,
            )


def retire(ctx: NightContext, token: RunToken, name: str, why: str) -> None:
    """Retires a passed adapter that the engine could not serve, so that nobody promotes it by mistake."""
    with unit_of_work(ctx.store_engine) as session:
        runs.check_token(session, run_id=token.run_id, token=token.fencing_token)
        adapters.move_adapter(
            session,
            desk_id=ctx.desk_id,
            name=name,
            to_state="retired",
            reason=why,
            actor=ACTOR,
            now=ctx.clock.now(),
        )
