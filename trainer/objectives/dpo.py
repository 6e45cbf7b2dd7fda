"""The objective `dpo`: TRL's DPOTrainer on pairs derived from choices. Defaults that would surprise are set.

TRL takes no row weights, so the weights decide which rows are kept (`pair_rows.py`).
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from datasets import Dataset
from peft import LoraConfig
from trl import DPOConfig, DPOTrainer

from trainer.data.pair_rows import PairRow, TrainingRows, find_held_out, load_rows
from trainer.errors import NothingToTrainOn
from trainer.objectives.arguments import share_batch, watch_held_out
from trainer.recipes.recipe import Recipe


@dataclass(frozen=True)
class PairData:
    """The data of a run: `found`, never empty, is learnt from; `held_out` is only measured."""

    tokenizer: Any
    found: TrainingRows[PairRow]
    held_out: TrainingRows[PairRow]


def read_pairs(dataset_dir: Path, tokenizer: Any, recipe: Recipe) -> PairData:
    """Reads the pairs of a run from a dataset. Raises DatasetMissing, NothingToTrainOn."""
    load = partial(
        load_rows, dataset_dir, tokenizer=tokenizer, max_length=recipe.max_length, seed=recipe.seed
    )
    found = load(split="train", limit=recipe.max_pairs, weights=recipe.tag_weights)
    if not found.examples:
        raise NothingToTrainOn(dataset_dir, found.refusals, find_held_out(dataset_dir, "pairs"))
    return PairData(tokenizer, found, load(split="validation", limit=recipe.max_held_out_pairs))


def prepare_pairs(
    data: PairData, model: Any, recipe: Recipe, lora: LoraConfig, settings: dict[str, Any]
) -> tuple[DPOTrainer, dict[str, Any]]:
    """A trainer for a plain base, and the counts of its data. `settings`: for TrainingArguments."""
    rows, held_out = data.found, data.held_out
    trainer = PairTrainer(
        model=model,  # plain: TRL would take a trained PEFT model as its own reference
        args=_build_arguments(recipe, settings, watched=bool(held_out.examples)),
        train_dataset=Dataset.from_list(rows.examples),
        eval_dataset=Dataset.from_list(held_out.examples) if held_out.examples else None,
        processing_class=data.tokenizer,
        peft_config=lora,
    )
    counts = {
        "pairs_found": rows.found,
        "pairs_trained": len(rows.examples),
        "pairs_held_out": len(held_out.examples),
        "refusals": dict(rows.refusals),
    }
    return trainer, counts


def _build_arguments(recipe: Recipe, settings: dict[str, Any], *, watched: bool) -> DPOConfig:
    arguments = DPOConfig(
        **settings,
        **watch_held_out(recipe, watched=watched),
        loss_type=["sigmoid", "sft"] if recipe.nll_weight else ["sigmoid"],
        loss_weights=[1.0, recipe.nll_weight] if recipe.nll_weight else [1.0],
        beta=recipe.beta,
        max_length=None,  # rows that are too long were refused before
        per_device_eval_batch_size=recipe.batch_size,
        prediction_loss_only=True,
    )
    share_batch(arguments, recipe)
    return arguments


class PairTrainer(DPOTrainer):  # type: ignore[misc]
    """TRL's DPOTrainer on rows that are tokenised already.

    TRL's own tokenising counts what the template renders after EOS as part of the reply, which no engine
    makes.
    """

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset
