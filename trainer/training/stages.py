"""A recipe with stages, one training after another: each begins from the adapter of the one before, with an
optimizer and a schedule of its own.

    runs/<id>/stages/<n>/   part.json   which lines the stage learns from, settled before the first one
                            adapter/, metrics.json, progress.jsonl; while it trains, checkpoints/

A stage with `metrics.json` is done: a killed run goes on in the stage in which it died. The adapter of the
last stage is that of the run.
"""

import gc
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import AutoTokenizer

from feedback.datasets.part import read_dataset_part
from serving.base import compute_base_id
from serving.files import write_atomically
from trainer.data.stage_parts import write_stage_parts
from trainer.estimate.forecast import count_steps
from trainer.estimate.need import RunNeed, add_needs
from trainer.objectives.by_name import read_data
from trainer.progress import Listener, Report, fan_out, write_progress
from trainer.recipes.recipe import Recipe

FOLDER = "stages"


@dataclass(frozen=True)
class TrainResult:
    """Where the adapter is (its two files, nothing else), and the metrics of the training."""

    adapter_dir: Path
    metrics: dict[str, Any]


# Trains on a dataset by a recipe in a folder, from the adapter of the stage before if there was one.
TrainOne = Callable[[Path, Recipe, Path, Listener, Callable[[RunNeed], None], Path | None], TrainResult]


def train_in_stages(
    train_one: TrainOne,
    dataset_dir: Path,
    base: Path,
    recipe: Recipe,
    run_dir: Path,
    on_progress: Listener,
    on_forecast: Callable[[RunNeed], None],
    *,
    data_dir: Path,
) -> TrainResult:
    """Trains all stages that are not done. Raises before the first one what any of them would raise about
    its data. `on_forecast` hears before each stage what all stages up to it take.
    """
    parts = write_stage_parts(
        dataset_dir, recipe, run_dir / FOLDER, data_dir=data_dir, base_id=compute_base_id(base)
    )
    planned = plan_steps(parts, base, recipe)
    done = [_find_done(part) for part in parts]  # before any is trained: processes see the same
    listener = fan_out(write_progress(run_dir / "progress.jsonl"), on_progress)
    begin: Path | None = None
    found: list[dict[str, Any]] = []
    for place, (stage, part) in enumerate(zip(recipe.list_stages(), parts, strict=True)):
        before = sum(metrics["steps"] for metrics in found)
        tell = tell_stage(listener, place + 1, before=before, later=sum(planned[place + 1 :]))
        tell_need = partial(tell_needs, on_forecast, [read_stage_need(metrics) for metrics in found])
        result = done[place] or train_one(part, stage, part, tell, tell_need, begin)
        shutil.rmtree(part / "checkpoints", ignore_errors=True)
        gc.collect()  # a Trainer holds its model in a circle, and the next stage loads the base again
        begin = result.adapter_dir
        found.append(result.metrics | {"left_out": dict(count_passed_over(part))})
    return finish_stages(recipe, run_dir, begin, found, goes_on=any(done))


def plan_steps(parts: Sequence[Path], base: Path, recipe: Recipe) -> list[int]:
    """The optimizer steps of each stage, if none stops early. Reads the data of all stages."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    steps = []
    for part, stage in zip(parts, recipe.list_stages(), strict=True):
        examples = len(read_data(part, base, tokenizer, stage).found.examples)
        steps.append(count_steps(examples, stage.settle_epochs(examples)))
    return steps


def tell_stage(listener: Listener, stage: int, *, before: int, later: int) -> Listener:
    """A listener for one stage that reports steps, and what is left, as those of the whole run. Steps of
    later stages are taken to last as long.
    """

    def tell(report: Report) -> None:
        left = report.total - report.step
        seconds = report.seconds_left * (left + later) / left if left else 0.0
        listener(
            replace(
                report,
                stage=stage,
                step=before + report.step,
                total=before + report.total + later,
                seconds_left=round(seconds, 1),
            )
        )

    return tell


def read_stage_need(metrics: dict[str, Any]) -> RunNeed:
    told = {field.name: metrics["need"][field.name] for field in fields(RunNeed)}
    return RunNeed(**told)


def tell_needs(on_forecast: Callable[[RunNeed], None], earlier: list[RunNeed], need: RunNeed) -> None:
    on_forecast(add_needs([*earlier, need]))


def count_passed_over(part: Path) -> dict[str, int]:
    """How many records of the train split a stage leaves out, by reason."""
    found = read_dataset_part(part)
    return dict(found.reasons) if found else {}


def finish_stages(
    recipe: Recipe, run_dir: Path, begin: Path | None, found: Sequence[dict[str, Any]], *, goes_on: bool
) -> TrainResult:
    """Makes the adapter of the last stage that of the run, and one set of metrics of all: those of the last
    stage, with the steps and seconds of all of them. `goes_on`: whether some were done by a killed run.
    """
    assert begin is not None, "a recipe with stages has one"
    adapter_dir = run_dir / "adapter"
    resumed = [each["resumed_from"] for each in found if each["resumed_from"]]
    mixed = [each["mix"] for each in found if "mix" in each]
    need = add_needs([read_stage_need(metrics) for metrics in found])
    metrics = found[-1] | {
        "recipe_digest": recipe.digest,
        "steps": sum(metrics["steps"] for metrics in found),
        "seconds": round(sum(metrics["seconds"] for metrics in found), 2),
        "unpacked": next((each["unpacked"] for each in found if each.get("unpacked")), None),
        "resumed_from": resumed[-1] if resumed else FOLDER if goes_on else None,
        "need": need.to_json() | {"measured": max(each["need"]["measured"] for each in found)},
        "stages": list(found),
    }
    if mixed:  # by an earlier stage, where the objective of the last one mixes nothing in
        metrics["mix"] = mixed[-1]
    if PartialState().is_main_process:
        shutil.copytree(begin, adapter_dir, dirs_exist_ok=True)
        write_atomically(run_dir / "metrics.json", json.dumps(metrics, indent=2).encode())
    return TrainResult(adapter_dir, metrics)


def _find_done(part: Path) -> TrainResult | None:
    path = part / "metrics.json"
    if not path.exists():
        return None
    return TrainResult(part / "adapter", json.loads(path.read_text(encoding="utf-8")))
