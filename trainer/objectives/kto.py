"""The objective `kto`: TRL's KTOTrainer on thumbs (`trainer/data/thumb_rows.py`)."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from datasets import Dataset
from peft import LoraConfig
from trl import KTOConfig, KTOTrainer

from trainer.data.pair_rows import TrainingRows
from trainer.data.selecting import Selectable, select_rows
from trainer.data.thumb_rows import RatedReply, Row, ThumbRow, balance, mismatch, read_thumbs
from trainer.data.tokens import encode_prompt, encode_reply, find_day
from trainer.errors import RecipeRefused, TooFewExamples
from trainer.objectives.arguments import share_batch, watch_held_out
from trainer.recipes.recipe import Recipe


@dataclass(frozen=True)
class ThumbData:
    """The data of a run: `found` is learnt from, with `weights` for up and down; `held_out` is only
    measured.
    """

    tokenizer: Any
    found: TrainingRows[Row]
    held_out: TrainingRows[Row]
    weights: tuple[float, float]


def read_thumb_data(dataset_dir: Path, tokenizer: Any, recipe: Recipe) -> ThumbData:
    """Reads the thumbs of a run from a dataset. Raises DatasetMissing, TooFewExamples."""

    def load(split: str, limit: int | None) -> TrainingRows[Row]:
        thumbs = (Selectable(thumb.key, thumb.weight, thumb) for thumb in read_thumbs(dataset_dir, split))
        make = partial(encode_thumb, tokenizer)
        rows = select_rows(thumbs, make, limit=limit, max_length=recipe.max_length, seed=recipe.seed)
        made = mismatch(rows.examples, recipe.batch_size)
        alone = Counter(alone_in_batch=len(rows.examples) - len(made))
        return TrainingRows(made, rows.found, rows.refusals + alone)

    found = load("train", recipe.max_examples)
    ups = sum(row["label"] for row in found.examples)
    downs = len(found.examples) - ups
    if min(ups, downs) < recipe.min_thumbs:
        raise TooFewExamples(
            dataset_dir,
            f"{ups} thumbs up and {downs} thumbs down",
            f"{recipe.min_thumbs} of each (`min_thumbs`)",
            found.refusals,
        )
    held_out = load("validation", recipe.max_held_out_pairs)
    return ThumbData(tokenizer, found, held_out, balance(ups, downs))


def encode_thumb(tokenizer: Any, thumb: RatedReply) -> tuple[ThumbRow, int]:
    """The row of a thumb, and its tokens. Raises TextRefused."""
    kwargs = thumb.body.get("chat_template_kwargs") or {}
    prompt = encode_prompt(tokenizer, thumb.body["prompt"], kwargs, find_day(thumb.body))
    reply = encode_reply(tokenizer, thumb.reply)
    return ThumbRow(thumb.conversation, prompt, reply, thumb.up), len(prompt) + len(reply)


def prepare_thumbs(
    data: ThumbData, model: Any, recipe: Recipe, lora: LoraConfig, settings: dict[str, Any]
) -> tuple[KTOTrainer, dict[str, Any]]:
    """A trainer for a plain base, and the counts of its data. `settings`: for TrainingArguments."""
    rows, held_out = data.found, data.held_out
    trainer = ThumbTrainer(
        model=model,  # plain: TRL would take a trained PEFT model as its own reference
        args=build_kto(recipe, settings, data.weights, watched=bool(held_out.examples)),
        train_dataset=Dataset.from_list(rows.examples),
        eval_dataset=Dataset.from_list(held_out.examples) if held_out.examples else None,
        processing_class=data.tokenizer,
        peft_config=lora,
    )
    counts = {
        "thumbs_found": rows.found,
        "thumbs_trained": len(rows.examples),
        "thumbs_held_out": len(held_out.examples),
        "thumb_weights": {"up": data.weights[0], "down": data.weights[1]},
        "refusals": dict(rows.refusals),
    }
    return trainer, counts


def build_kto(
    recipe: Recipe, settings: dict[str, Any], weights: tuple[float, float], *, watched: bool
) -> KTOConfig:
    """The arguments of a run. Raises RecipeRefused if a process would get one thumb at a time."""
    arguments = KTOConfig(
        **settings,
        **watch_held_out(recipe, watched=watched),
        beta=recipe.beta,
        desirable_weight=weights[0],
        undesirable_weight=weights[1],
        max_length=None,  # rows that are too long were refused before
        router_aux_loss_coef=0.0,  # the router of a mixture of experts is frozen: it has nothing to balance
        prediction_loss_only=True,
    )
    share_batch(arguments, recipe)
    if arguments.per_device_train_batch_size < 2:
        told = f"batch_size: {recipe.batch_size} leaves a process one thumb, and objective kto needs two"
        raise RecipeRefused(recipe.name, [told])
    arguments.per_device_eval_batch_size = arguments.per_device_train_batch_size
    return arguments


class ThumbTrainer(KTOTrainer):  # type: ignore[misc]
    """TRL's KTOTrainer on rows that are tokenised already, for the reason that PairTrainer has."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset
