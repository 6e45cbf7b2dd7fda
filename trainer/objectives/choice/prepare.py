"""Reads the examples of a `choice` run and builds its `ChoiceTrainer` with noise model and reference."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel, get_peft_model
from transformers import TrainingArguments

from serving.base import compute_base_id
from trainer.data.example import Example
from trainer.data.pair_rows import TrainingRows, find_held_out
from trainer.errors import NothingToTrainOn
from trainer.mix.mixing import Mixed, mix_in
from trainer.objectives.arguments import share_batch, watch_held_out
from trainer.objectives.choice.examples import load_examples
from trainer.objectives.choice.noise_model import NO_NOISE, NoiseModel, read_noise_model
from trainer.objectives.choice.reference import load_reference
from trainer.objectives.choice.trainer import ChoiceTrainer
from trainer.packing.fused_lora import fuse_products
from trainer.packing.logprobs import PackedScorer
from trainer.packing.rows import count_longest
from trainer.packing.tolerance import find_tolerance
from trainer.progress import Counter
from trainer.recipes.recipe import Recipe


@dataclass(frozen=True)
class ChoiceData:
    """The data of a run: `found`, never empty, is learnt from, what was `mixed` in included; `held_out` is
    only measured.
    """

    base_id: str
    found: TrainingRows[Example]
    held_out: TrainingRows[Example]
    noise_model: NoiseModel
    mixed: Mixed[Example] | None = None


def read_choices(dataset_dir: Path, base: Path, tokenizer: Any, recipe: Recipe) -> ChoiceData:
    """Reads the data of a run from a dataset. Raises DatasetMissing, NothingToTrainOn."""
    base_id = compute_base_id(base)
    noise_model = read_noise_model(dataset_dir) if recipe.habits else NO_NOISE
    load = partial(
        load_examples,
        dataset_dir,
        tokenizer=tokenizer,
        recipe=recipe,
        base_id=base_id,
        noise_model=noise_model,
    )
    found = load(split="train")
    if not found.examples:
        held_out = find_held_out(dataset_dir, "choices", "pairs", "thumbs")
        raise NothingToTrainOn(dataset_dir, found.refusals, held_out)
    mixed = None
    if recipe.mix is not None:
        own = len(found.examples)
        mixed = mix_in(
            recipe.mix,
            tokenizer,
            make_general,
            beside=dataset_dir,
            own=own,
            max_length=recipe.max_length,
            seed=recipe.seed,
        )
        found = replace(found, examples=[*found.examples, *mixed.rows])
    return ChoiceData(base_id, found, load(split="validation"), noise_model, mixed)


def make_general(key: str, prompt: list[int], reply: list[int]) -> Example:
    """A reply that is learnt for its own sake: nats per token of the reply alone, and no decision."""
    return Example(key, key, tuple(prompt), (tuple(reply),), preferred=0, nll=1.0)


def prepare_choices(
    data: ChoiceData,
    model: Any,
    recipe: Recipe,
    lora: PeftConfig | None,
    settings: dict[str, Any],
    reference_dir: Path,
    on_reading: Counter | None = None,
) -> tuple[ChoiceTrainer, dict[str, Any]]:
    """A trainer that is ready to run on a plain base, and the counts of its data.

    `settings`: for TrainingArguments. `on_reading` is called while reference values are computed. Raises
    RecipeRefused.
    """
    found, held_out = data.found, data.held_out
    arguments = build_arguments(recipe, settings, watched=bool(held_out.examples))
    if lora is not None:
        model = get_peft_model(model, lora)
    if recipe.gradient_checkpointing:
        model.enable_input_require_grads()  # else the frozen first layers cut the adapters off
    model.to(arguments.device)
    if lora is not None and arguments.device.type == "cpu" and recipe.dtype == "float32":
        fuse_products(model, halves=recipe.bf16)  # a bfloat16 base multiplies so by itself
    reader = PackedScorer(model, autocast=arguments.bf16)
    reader.check(model, max(found.examples, key=count_longest))

    counts: dict[str, Any] = {
        "examples_found": found.found,
        "examples_trained": len(found.examples) - (len(data.mixed.rows) if data.mixed else 0),
        "examples_held_out": len(held_out.examples),
        "refusals": dict(found.refusals),
        "habits": data.noise_model.to_json(),
    } | ({"mix": data.mixed.to_json()} if data.mixed else {})
    exact = not recipe.bf16 and recipe.dtype == "float32"
    known = None
    if recipe.reference == "stored":
        everything = [*found.examples, *held_out.examples]
        with arguments.main_process_first(desc="reference"):
            stored = load_reference(
                everything,
                partial(read_base, model, reader),
                data_dir=reference_dir,
                base_id=data.base_id,
                dtype=name_dtype(recipe),
                seed=recipe.seed,
                on_progress=on_reading,
            )
        known = {example.id: values for example, values in zip(everything, stored.values, strict=True)}
        counts["reference"] = asdict(stored.report)
    # Virtual tokens move replies before anything is learnt; LoRA's B is 0.
    begins_at_base = recipe.is_served
    trainer = ChoiceTrainer(
        model,
        reader,
        beta=recipe.beta,
        anchor=recipe.anchor_weight,
        row_tokens=recipe.row_tokens,
        known=known,
        tolerance=partial(find_tolerance, exact=exact) if begins_at_base else lambda tokens: inf,
        train=found.examples,
        held_out=held_out.examples,
        args=arguments,
    )
    return trainer, counts


def name_dtype(recipe: Recipe) -> str:
    """A name for how log-probabilities are rounded, part of the key of stored reference values."""
    rounds_products = recipe.bf16 and recipe.dtype == "float32"
    name = f"{recipe.dtype} in bfloat16 products" if rounds_products else recipe.dtype
    return f"{name} of 4 bits" if recipe.method == "qlora" else name


def read_base(model: Any, reader: PackedScorer, examples: Sequence[Example]) -> list[list[float]]:
    """Summed log-probabilities of all replies under the base, each example in a row of its own."""
    plain = model.disable_adapter() if isinstance(model, PeftModel) else nullcontext()
    with torch.no_grad(), plain:
        return [reader.read(model, [example]).tolist() for example in examples]


def build_arguments(recipe: Recipe, settings: dict[str, Any], *, watched: bool) -> TrainingArguments:
    """TrainingArguments of a run, in which all processes together take one `batch_size`."""
    arguments = TrainingArguments(
        **settings,
        **watch_held_out(recipe, watched=watched),
        remove_unused_columns=False,  # examples are no tables
        average_tokens_across_devices=False,  # ChoiceTrainer weighs steps itself
        train_sampling_strategy="sequential",  # ConversationSet shuffles
    )
    share_batch(arguments, recipe)
    return arguments
