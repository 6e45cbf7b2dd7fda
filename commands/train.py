"""`rejoinder train`: request a run of the nightly job, and with --now stay and watch it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click
from sqlalchemy import Engine

from commands.dataset import find_dataset
from commands.errors import CommandFailed, NothingToDo
from commands.forecast import show_forecast
from commands.frame import Frame, frame_options, json_option, print_json
from commands.instance import is_running
from commands.progress import show_work
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.datasets.layout import dataset_dir
from feedback.run_report.need import NEED_NUMBERS
from feedback.store.engine import read, unit_of_work
from feedback.store.runs import FINISHED, file_run_request, get_run, list_metrics
from feedback.store.tables import DEFAULT_DESK, Run
from serving.base import resolve_base
from trainer.recipes.recipe import load_recipe

if TYPE_CHECKING:
    from trainer.estimate.forecast import Forecast

POLL_EVERY_S = 1.0


@click.command("train")
@frame_options
@click.option("--now", is_flag=True, help="Wait for the run and show its progress.")
@click.option("--dataset", default=None, help="Train on this dataset instead of what came in since.")
@click.option(
    "--objective",
    type=click.Choice(["choice", "dpo", "sft", "kto"]),
    default=None,
    help="Overrides the recipe's objective: whole choices, pairs of them, texts that people wrote, thumbs.",
)
@click.option("--recipe", default=None, help="A recipe file, or the name of a built-in one.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Count tokens, steps, time and memory of a run on --dataset here, after a few steps; ask for none.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=None,
    help="Learn from at most so many choices (pairs for dpo, texts for sft, thumbs for kto).",
)
@json_option
def command(
    frame: Frame,
    now: bool,
    dataset: str | None,
    objective: str | None,
    recipe: str | None,
    dry_run: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """Request a run from the worker: collect, train, evaluate, gate, publish.

    With --now and without a running service, a worker works here until the run has ended.

    \b
    rejoinder train --now
    rejoinder train --now --dataset 3f2a... --limit 2000 --recipe my_recipe.yaml
    rejoinder train --dry-run --dataset 3f2a... --recipe my_recipe.yaml
    """
    if dry_run and (now or dataset is None):
        raise click.UsageError("--dry-run needs --dataset, and goes without --now: it asks for no run.")
    if recipe is not None:
        recipe = check_recipe(recipe, objective)
    with open_store(frame) as engine:
        if dataset is not None:
            dataset = find_dataset(engine, dataset).id
        given = {"dataset": dataset, "objective": objective, "recipe": recipe, "limit": limit}
        if dry_run:
            show_forecast(make_forecast(frame, engine, given), as_json)
            return
        run = ask_for_run(engine, {key: value for key, value in given.items() if value is not None})
        if not now:
            if as_json:
                print_json({"run_id": run.id, "state": run.state})
            else:
                click.echo(f"Asked for run {run.id}; `rejoinder status` shows it.")
            return
        with some_worker(frame):
            finished = watch_run(engine, run.id, quiet=as_json)
    report_end(finished, as_json)


def make_forecast(frame: Frame, engine: Engine, given: dict[str, Any]) -> "list[Forecast]":
    from trainer.estimate.stages import forecast_stages
    from trainer.jobs.pipeline import find_recipe, take_in_tags
    from trainer.mix.source_set import take_in_source

    serving = frame.settled()
    where: dict[str, Any] = {"data_dir": frame.data_dir, "clock": SystemClock(), "desk_id": DEFAULT_DESK}
    recipe = take_in_source(find_recipe(given, frame.trainer(), serving), engine, **where)
    return forecast_stages(
        dataset_dir(frame.data_dir, given["dataset"]),
        resolve_base(serving.base_model),
        take_in_tags(recipe, engine, desk_id=DEFAULT_DESK),
        reference_dir=frame.data_dir,
    )


def check_recipe(recipe: str, objective: str | None) -> str:
    """The full path of a recipe file, or a built-in name unchanged. Raises RecipeRefused with all faults."""
    load_recipe(recipe, objective=objective)
    return str(Path(recipe).resolve()) if Path(recipe).is_file() else recipe


def ask_for_run(engine: Engine, request: dict[str, Any]) -> Run:
    with unit_of_work(engine) as session:
        run, _ = file_run_request(
            session,
            desk_id=DEFAULT_DESK,
            kind="manual",
            slot=uuid4().hex,
            request=request,
            requested_by="command line",
            now=SystemClock().now(),
        )
    return run


@contextmanager
def some_worker(frame: Frame) -> Iterator[None]:
    """Uses the service's worker if it runs, else starts one in this process for the length of the block."""
    from trainer.context import open_context
    from trainer.jobs.worker import working

    if is_running(frame.data_dir):
        yield
        return
    with open_context(frame.data_dir, frame.config) as ctx, working(ctx, config=frame.config):
        yield


def watch_run(engine: Engine, run_id: str, *, quiet: bool) -> dict[str, Any]:
    """Shows the run's step and progress until it ends; returns its final row as plain values."""
    last_metric = 0
    latest: dict[str, float] = {}
    with show_work("waiting for the worker", quiet=quiet) as work:
        while True:
            with read(engine) as session:
                run = get_run(session, desk_id=DEFAULT_DESK, run_id=run_id)
                metrics = list_metrics(session, run_id=run_id, after_id=last_metric)
            for metric in metrics:
                if metric.name not in NEED_NUMBERS:
                    latest[metric.name] = metric.value
                last_metric = metric.id or last_metric
            note = "  ".join(f"{name} {value:.3g}" for name, value in list(latest.items())[:4])
            if run.state != "queued":
                work.report(run.progress, step=run.step or run.state, note=note)
            if run.state in FINISHED:
                return run.model_dump(mode="json")
            time.sleep(POLL_EVERY_S)


def report_end(run: dict[str, Any], as_json: bool) -> None:
    """Prints how the run ended. Exit code 1 for a failed run, 3 for a run that had nothing to do."""
    if as_json:
        keys = ("id", "state", "dataset_id", "adapter", "decision", "reasons", "report", "error")
        print_json({key: run[key] for key in keys})
    reasons = "; ".join(str(reason.get("text", reason)) for reason in run["reasons"])
    if run["state"] == "skipped":
        raise NothingToDo(f"Nothing to train: {reasons or run['error'] or 'no reason kept'}")
    if run["state"] != "done":
        raise CommandFailed(
            f"Run {run['id']} {run['state']} at step {run['step']}: {run['error'] or reasons}"
        )
    if not as_json:
        click.echo(f"{run['adapter']}: {run['decision']}" + (f" ({reasons})" if reasons else ""))
