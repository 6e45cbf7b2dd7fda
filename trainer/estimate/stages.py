"""What a run with stages will take: a forecast for each stage, which add up."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from serving.base import compute_base_id
from trainer.data.stage_parts import write_stage_parts
from trainer.estimate.forecast import Forecast, Seconds, forecast
from trainer.estimate.need import add_needs
from trainer.recipes.recipe import Recipe


def forecast_stages(dataset_dir: Path, base: Path, recipe: Recipe, *, reference_dir: Path) -> list[Forecast]:
    """The forecast of each stage; one for a recipe without stages. What an earlier stage reads under the base
    is not read again. Raises DatasetMissing, DifficultyUnknown, NothingToTrainOn, TooFewExamples.
    """
    if not recipe.stages:
        return [forecast(dataset_dir, base, recipe, reference_dir=reference_dir)]
    read: set[str] = set()
    with TemporaryDirectory() as name:
        parts = write_stage_parts(
            dataset_dir, recipe, Path(name), data_dir=reference_dir, base_id=compute_base_id(base)
        )
        return [
            forecast(part, base, stage, reference_dir=reference_dir, read=read)
            for part, stage in zip(parts, recipe.list_stages(), strict=True)
        ]


def add_up(stages: Sequence[Forecast]) -> Seconds:
    """The seconds of all stages: each loads the base anew."""
    parts = [stage.seconds for stage in stages]
    return Seconds(
        load=sum(part.load for part in parts),
        reference=sum(part.reference for part in parts),
        training=sum(part.training for part in parts),
        checks=sum(part.checks for part in parts),
    )


def stages_to_json(stages: Sequence[Forecast]) -> dict[str, Any]:
    """The forecast of a run; with stages those of all, and what they add up to:
    the memory of the largest, the time of all.
    """
    if len(stages) == 1:
        return stages[0].to_json()
    seconds = add_up(stages)
    return {
        "stages": [stage.to_json() for stage in stages],
        "steps": sum(stage.steps for stage in stages),
        "seconds": vars(seconds) | {"total": seconds.total},
        "need": add_needs([stage.need for stage in stages]).to_json(),
    }
