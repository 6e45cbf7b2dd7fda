"""The objective `sft`: TRL's SFTTrainer on texts that people wrote (`trainer/data/texts.py`). The loss is
that of the reply and its end alone.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from datasets import Dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

from trainer.data.pair_rows import TrainingRows
from trainer.data.selecting import Selectable, select_rows
from trainer.data.texts import Text, read_texts
from trainer.data.tokens import encode_prompt, encode_reply, find_day
from trainer.errors import TooFewExamples
from trainer.mix.mixing import Mixed, mix_in
from trainer.objectives.arguments import share_batch, watch_held_out
from trainer.recipes.recipe import Recipe

TextRow = dict[str, list[int]]  # input_ids, labels
UNSEEN = -100  # the label of a token that has no part in the loss


@dataclass(frozen=True)
class TextData:
    """The data of a run: `found` is learnt from; `held_out` is only measured."""

    tokenizer: Any
    found: TrainingRows[TextRow]
    held_out: TrainingRows[TextRow]
    mixed: Mixed[TextRow] | None = None


def read_text_data(dataset_dir: Path, tokenizer: Any, recipe: Recipe) -> TextData:
    """Reads the texts of a run from a dataset; those of a source that is mixed in are none of its own. Raises
    DatasetMissing, TooFewExamples.
    """
    mixed_source = recipe.mix.source if recipe.mix else None

    def load(split: str, limit: int | None) -> TrainingRows[TextRow]:
        texts = (
            Selectable(text.key, text.weight, text)
            for text in read_texts(dataset_dir, split)
            if not text.is_spoken or text.body["source"] != mixed_source
        )
        make = partial(encode_text, tokenizer)
        return select_rows(texts, make, limit=limit, max_length=recipe.max_length, seed=recipe.seed)

    found = load("train", recipe.max_examples)
    if len(found.examples) < recipe.min_texts:
        raise TooFewExamples(
            dataset_dir,
            f"{len(found.examples)} texts that people wrote",
            f"{recipe.min_texts} edited replies, own replies, rewrites or imported replies (`min_texts`)",
            found.refusals,
        )
    mixed = None
    if recipe.mix is not None:
        own = len(found.examples)
        mixed = mix_in(
            recipe.mix,
            tokenizer,
            make_text_row,
            beside=dataset_dir,
            own=own,
            max_length=recipe.max_length,
            seed=recipe.seed,
        )
        found = replace(found, examples=[*found.examples, *mixed.rows])
    return TextData(tokenizer, found, load("validation", recipe.max_held_out_pairs), mixed)


def encode_text(tokenizer: Any, text: Text) -> tuple[TextRow, int]:
    """The row of a text, and its tokens. Raises TextRefused."""
    kwargs = text.body.get("chat_template_kwargs") or {}
    prompt = encode_prompt(tokenizer, text.body["prompt"], kwargs, find_day(text.body))
    reply = encode_reply(tokenizer, text.text)
    row = make_text_row(text.key, prompt, reply)
    return row, len(row["input_ids"])


def make_text_row(_: str, prompt: list[int], reply: list[int]) -> TextRow:
    return {"input_ids": prompt + reply, "labels": [UNSEEN] * len(prompt) + reply}


def prepare_texts(
    data: TextData, model: Any, recipe: Recipe, lora: LoraConfig, settings: dict[str, Any]
) -> tuple[SFTTrainer, dict[str, Any]]:
    """A trainer for a plain base, and the counts of its data. `settings`: for TrainingArguments."""
    rows, held_out = data.found, data.held_out
    trainer = SFTTrainer(
        model=model,
        args=build_sft(recipe, settings, watched=bool(held_out.examples)),
        train_dataset=Dataset.from_list(rows.examples),
        eval_dataset=Dataset.from_list(held_out.examples) if held_out.examples else None,
        processing_class=data.tokenizer,
        peft_config=lora,
    )
    counts = {
        "texts_found": rows.found,
        "texts_trained": len(rows.examples) - (len(data.mixed.rows) if data.mixed else 0),
        "texts_held_out": len(held_out.examples),
        "refusals": dict(rows.refusals),
    } | ({"mix": data.mixed.to_json()} if data.mixed else {})
    return trainer, counts


def build_sft(recipe: Recipe, settings: dict[str, Any], *, watched: bool) -> SFTConfig:
    arguments = SFTConfig(
        **settings,
        **watch_held_out(recipe, watched=watched),
        max_length=None,  # rows that are too long were refused before
        router_aux_loss_coef=0.0,  # the router of a mixture of experts is frozen: it has nothing to balance
        dataset_kwargs={"skip_prepare_dataset": True},  # rows have their ids and labels
        per_device_eval_batch_size=recipe.batch_size,
        prediction_loss_only=True,
    )
    share_batch(arguments, recipe)
    return arguments
