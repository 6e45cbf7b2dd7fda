"""One night as five named steps: collect -> train -> evaluate -> gate -> publish.

Each is recorded in the run's row. Every step may be repeated: what a killed worker finished is found on disk
or in the row and is not done again. Every write carries the run's token, so a worker whose run was taken over
stops at its next write. Publishing comes last and is the only step that serving can notice. Runs in the child
process (see child.py); knows no process and no schedule.
"""

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from feedback.datasets.build import build_dataset
from feedback.datasets.errors import DatasetMissing, NothingSelected
from feedback.datasets.layout import dataset_dir
from feedback.store import adapters, runs
from feedback.store.deployments import serving_state
from feedback.store.engine import read
from feedback.store.new_records import Counted
from feedback.store.runs import RunToken
from feedback.store.tags import read_tag_tree
from serving.adapters.staging import adapter_path, weights_of
from serving.base import compute_base_id
from serving.files import write_atomically
from serving.settings import ServingSettings
from trainer.context import NightContext
from trainer.errors import RecipeRefused
from trainer.evaluation.gate import GateDecision, decide
from trainer.evaluation.guards.sets import read_guards
from trainer.evaluation.replay_set import read_replay
from trainer.evaluation.report import OfflineReport
from trainer.jobs.card import await_return, keep_room, leave_card, make_room
from trainer.jobs.erasures import erase_old, finish_erasures
from trainer.jobs.new_choices import count_new
from trainer.jobs.run_metrics import LiveRows
from trainer.mix.general_set import note_general
from trainer.mix.source_set import take_in_source
from trainer.recipes.adapter_layers import require_trained
from trainer.recipes.methods import NEVER_SERVED
from trainer.recipes.recipe import Measurement, Recipe, build_recipe, lay_changes, load_recipe, recall_recipe
from trainer.recipes.tag_weights import take_in
from trainer.release.earlier import note_earlier
from trainer.release.old_checkpoints import drop_old_checkpoints
from trainer.release.publish import make_note, publish
from trainer.release.staging import Finished, stage
from trainer.release.trial import try_base
from trainer.settings import TrainerSettings

log = logging.getLogger(__name__)

AUTOMATIC = ("night", "volume")


class NothingToTrain(Exception):
    """Ends the run as `skipped`, which is no fault."""

    def __init__(self, code: str, text: str, value: float, limit: float) -> None:
        super().__init__(text)
        self.reason = {"code": code, "text": text, "value": value, "limit": limit}


def run_night(ctx: NightContext, token: RunToken) -> str:
    """Runs or continues a claimed run to its end; returns its final state, or raises its error. Raises
    CardLeft where another process has to go on, once the engine has its card back.
    """
    run = ctx.read_run(token.run_id)
    ctx = ctx.on_base_of(run)
    try:
        recipe = choose_recipe(ctx, token)
        dataset = collect(ctx, token)
        recipe = note_source(ctx, token, recipe)
        metrics = train_in_run(ctx, token, recipe, dataset)
        report = evaluate_run(ctx, token, recipe, dataset)
        if not recipe.is_served:
            return end_unserved(ctx, token, recipe, metrics, report)
        name, decision = gate_and_stage(ctx, token, recipe, dataset, metrics, report)
        notes = end_with(ctx, token, run.kind, name) if decision.verdict == "passed" else []
    except NothingToTrain as nothing:
        return finish_run_files(ctx, token, "skipped", [nothing.reason])
    return finish_run_files(ctx, token, "done", [*(reason.to_json() for reason in decision.reasons), *notes])


def end_with(ctx: NightContext, token: RunToken, kind: str, name: str) -> list[dict[str, Any]]:
    """Publishes a passed adapter; one of another base than serves waits for its comparison instead."""
    if kind == runs.REBASE:
        text = "trained on a base that does not serve yet: `rejoinder rebase compare` comes next"
        return [make_note("waits_for_comparison", text)]
    leave_card(ctx, token)
    await_return(ctx, token)
    return publish(ctx, token, name)


def end_unserved(
    ctx: NightContext, token: RunToken, recipe: Recipe, metrics: dict[str, Any], report: OfflineReport
) -> str:
    """Ends a run whose method no engine can serve with its report, and without an adapter's name."""
    decision = keep_report(ctx, token, metrics, report)
    told = make_note("method_not_served", f"method {recipe.method}: {NEVER_SERVED}")
    return finish_run_files(ctx, token, "done", [told, *(reason.to_json() for reason in decision.reasons)])


def choose_recipe(ctx: NightContext, token: RunToken) -> Recipe:
    """The recipe asked for, or the settings' own; a run that continues keeps the one it began with."""
    run = ctx.read_run(token.run_id)
    if run.recipe is not None:
        return recall_recipe(run.recipe, run.id)
    recipe = find_recipe(run.request, ctx.settings, ctx.serving)
    require_trained(ctx.base, recipe)
    recipe = take_in_tags(recipe, ctx.store_engine, desk_id=ctx.desk_id)
    recipe = note_earlier(ctx, recipe)
    ctx.advance(token, recipe=recipe.model_dump(mode="json"))
    return recipe


def find_recipe(request: Mapping[str, Any], settings: TrainerSettings, serving: ServingSettings) -> Recipe:
    """The recipe a request asks for, or the settings' own. Raises RecipeRefused."""
    asked, limit = request.get("recipe"), request.get("limit")
    changes = {"objective": request.get("objective"), "max_pairs": limit, "max_examples": limit}
    if isinstance(asked, dict):
        recipe = build_recipe(lay_changes({"name": "asked"} | asked, changes))
    else:
        recipe = load_recipe(asked or settings.recipe_for(serving.base_model), **changes)
    if recipe.is_whole and serving.replicas:
        told = f"method: {recipe.method} ends in a checkpoint, which no engine in [serving] replicas serves"
        raise RecipeRefused(recipe.name, [told])
    highest = serving.max_lora_rank
    if recipe.is_served and not recipe.is_whole and recipe.rank > highest:
        raise RecipeRefused(
            recipe.name, [f"rank: serving takes at most {highest} (max_lora_rank), got {recipe.rank}"]
        )
    check_sets(recipe.measurement)
    return note_general(recipe)


def take_in_tags(recipe: Recipe, store_engine: Engine, *, desk_id: str) -> Recipe:
    """The recipe with what each tag that it weighs takes in by now. Raises RecipeRefused."""
    if not recipe.tag_weights:
        return recipe
    with read(store_engine) as session:
        tree = read_tag_tree(session, desk_id=desk_id)
    return recipe.model_copy(update={"tag_weights": take_in(recipe.tag_weights, tree, recipe.name)})


def check_sets(measurement: Measurement) -> None:
    """Reads the guard and replay files before hours of training. Raises RecipeRefused."""
    read_guards(measurement.guards)
    if measurement.replay:
        read_replay(Path(measurement.replay))


def collect(ctx: NightContext, token: RunToken) -> Path:
    """The dataset asked for, or a new one of all records. Raises NothingToTrain if too few are new."""
    run = ctx.advance(token, step="collect")
    if run.kind == "night" and run.dataset_id is None:
        # What is too old goes first, so that it is in no dataset of this night.
        if erase_old(ctx, days=ctx.settings.retention_days, run_id=token.run_id):
            finish_erasures(ctx)
    dataset_id = run.dataset_id or run.request.get("dataset")
    if dataset_id is None:
        if run.kind in AUTOMATIC:
            check_enough_new(ctx, recall_recipe(run.recipe or {}, run.id).learns_from)
        try:
            info = build_dataset(
                ctx.store_engine, desk_id=ctx.desk_id, data_dir=ctx.data_dir, clock=ctx.clock
            )
        except NothingSelected as empty:
            raise NothingToTrain("no_data", str(empty), 0, 1) from empty
        dataset_id = info.id
        log.info("dataset %s: %s", dataset_id, json.dumps(info.counts))
    path = dataset_dir(ctx.data_dir, dataset_id)
    if not path.is_dir():
        raise DatasetMissing(path)
    ctx.advance(token, dataset_id=dataset_id, progress=1.0)
    return path


def note_source(ctx: NightContext, token: RunToken, recipe: Recipe) -> Recipe:
    """The recipe with the dataset of the source that it mixes in, which the run keeps. It is built after what
    is too old was erased. Raises RecipeRefused.
    """
    where: dict[str, Any] = {"data_dir": ctx.data_dir, "clock": ctx.clock, "desk_id": ctx.desk_id}
    noted = take_in_source(recipe, ctx.store_engine, **where)
    if noted != recipe:
        ctx.advance(token, recipe=noted.model_dump(mode="json"))
    return noted


def check_enough_new(ctx: NightContext, what: Counted) -> None:
    found, needed = count_new(ctx, what), ctx.settings.min_new_choices
    if found < needed:
        text = f"{found} new {what} since the last run, {needed} are needed"
        raise NothingToTrain("too_little_new", text, found, needed)


def train_in_run(ctx: NightContext, token: RunToken, recipe: Recipe, dataset: Path) -> dict[str, Any]:
    """Trains into `runs/<id>/` after a dry pass, continuing from a checkpoint if there is one; returns the
    metrics of the training.
    """
    from trainer.training.train import train as train_adapter  # torch: only in the child, only when needed

    ctx.advance(token, step="train")
    finished = ctx.run_dir(token.run_id) / "metrics.json"
    if finished.exists():
        keep_room(ctx, token)
        found: dict[str, Any] = json.loads(finished.read_text(encoding="utf-8"))
        return found
    live = LiveRows(ctx, token)
    run_dir = ctx.run_dir(token.run_id)
    if recipe.is_served and not recipe.is_whole:  # a checkpoint is a base, which the engine serves already
        try_base(ctx, recipe, run_dir)
    make_room(ctx, token, recipe, dataset)
    result = train_adapter(
        dataset,
        ctx.base,
        recipe,
        run_dir,
        live.report,
        reference_dir=ctx.data_dir,
        on_reading=live.report_reading,
        on_forecast=live.report_need,
        earlier=adapter_path(ctx.data_dir, recipe.earlier) if recipe.earlier else None,
    )
    live.report_end(result.metrics)
    log.info("trained: %s", json.dumps(result.metrics))
    return result.metrics


def evaluate_run(ctx: NightContext, token: RunToken, recipe: Recipe, dataset: Path) -> OfflineReport:
    """Measures the adapter, and the one that serves now, and leaves `report.json` in the run's directory."""
    from trainer.evaluation.evaluate import evaluate_adapter

    ctx.advance(token, step="evaluate")
    path = ctx.run_dir(token.run_id) / "report.json"
    if path.exists():
        return OfflineReport.model_validate_json(path.read_text(encoding="utf-8"))
    report = evaluate_adapter(
        ctx.run_dir(token.run_id) / "adapter",
        dataset,
        ctx.base,
        recipe.measurement,
        # PEFT holds virtual tokens and LoRA in one model never.
        serving=find_serving(ctx) if recipe.is_served else None,
        template_kwargs=ctx.serving.chat_template_kwargs,
        threads=recipe.threads,
        dtype=recipe.dtype,
        max_length=recipe.max_length,
        seed=recipe.seed,
        tag_weights=recipe.tag_weights,
        run_dir=ctx.run_dir(token.run_id),
        on_progress=lambda share: (ctx.advance(token, progress=share), None)[1],
    )
    write_atomically(path, report.model_dump_json(indent=2).encode())
    return report


def find_serving(ctx: NightContext) -> tuple[str, Path] | None:
    """The adapter that serves now and its weights, for comparison; None while the base serves alone.

    One that was trained on another base does not serve: the deployments name it until a newer one replaces
    it, and its weights do not fit.
    """
    base_id = compute_base_id(ctx.base)
    with read(ctx.store_engine) as session:
        state = serving_state(session, desk_id=ctx.desk_id)
        named = [name for name in (state.canary, state.live) if name is not None]
        own = [name for name in named if adapters.is_of_base(session, name=name, base_id=base_id)]
    name = own[0] if own else None
    path = weights_of(ctx.data_dir / "adapters", name) if name is not None else None
    return (name, path) if name is not None and path is not None and path.is_dir() else None


def gate_and_stage(
    ctx: NightContext,
    token: RunToken,
    recipe: Recipe,
    dataset: Path,
    metrics: dict[str, Any],
    report: OfflineReport,
) -> tuple[str, GateDecision]:
    """Lets the gate decide and stages the adapter with the verdict; returns its name and the decision."""
    decision = keep_report(ctx, token, metrics, report)
    run = ctx.read_run(token.run_id)
    staged = run.adapter if run.decision is not None else None  # written with its row, after all of its files
    name = staged or stage(ctx, token, Finished(recipe, dataset, metrics, report, decision))
    shutil.rmtree(ctx.run_dir(token.run_id) / "checkpoints", ignore_errors=True)
    drop_old_checkpoints(ctx)
    log.info("%s %s: %s", name, decision.verdict, [reason.code for reason in decision.reasons])
    return name, decision


def keep_report(
    ctx: NightContext, token: RunToken, metrics: dict[str, Any], report: OfflineReport
) -> GateDecision:
    """Lets the gate decide, and writes what it decided on to the run."""
    decision = decide(report, ctx.policy.offline)
    checks = {"checks": [check.to_json() for check in decision.checks]}
    slower = {"unpacked": metrics["unpacked"]} if metrics.get("unpacked") else {}
    mixed = {"mix": metrics["mix"]} if metrics.get("mix") else {}
    found = {**report.model_dump(mode="json"), **ctx.policy.label, **checks, **slower, **mixed}
    ctx.advance(token, step="gate", report=found)
    return decision


def finish_run_files(ctx: NightContext, token: RunToken, state: str, reasons: list[dict[str, Any]]) -> str:
    ctx.write_run(runs.finish_run, token, state=state, reasons=reasons)
    log.info("run %s %s", token.run_id, state)
    return state
