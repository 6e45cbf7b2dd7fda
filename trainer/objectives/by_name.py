"""The objective that a recipe names: how its data are read, and which Trainer learns from them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from peft import LoraConfig

from trainer.objectives.choice.prepare import prepare_choices, read_choices
from trainer.objectives.dpo import prepare_pairs, read_pairs
from trainer.objectives.kto import prepare_thumbs, read_thumb_data
from trainer.objectives.sft import prepare_texts, read_text_data
from trainer.progress import Counter
from trainer.recipes.recipe import Recipe

Prepare = Callable[[Any, Any, Recipe, LoraConfig, dict[str, Any]], tuple[Any, dict[str, Any]]]
READ: dict[str, Callable[[Path, Any, Recipe], Any]] = {
    "dpo": read_pairs,
    "sft": read_text_data,
    "kto": read_thumb_data,
}
PREPARE: dict[str, Prepare] = {"dpo": prepare_pairs, "sft": prepare_texts, "kto": prepare_thumbs}


def read_data(dataset_dir: Path, base: Path, tokenizer: Any, recipe: Recipe) -> Any:
    """The data of a run, with its `found` and `held_out` rows. Raises DatasetMissing, NothingToTrainOn,
    TooFewExamples.
    """
    if recipe.objective == "choice":
        return read_choices(dataset_dir, base, tokenizer, recipe)
    return READ[recipe.objective](dataset_dir, tokenizer, recipe)


def choose_prepare(recipe: Recipe, *, reference_dir: Path, on_reading: Counter | None = None) -> Prepare:
    """The function that makes a Trainer of a plain base and the data. `reference_dir`, `on_reading`: of
    `choice`, which alone keeps what the base says.
    """
    if recipe.objective == "choice":
        return partial(prepare_choices, reference_dir=reference_dir, on_reading=on_reading)
    return PREPARE[recipe.objective]
