"""What a run will take, before it is started: tokens are counted, time comes from a few real steps, memory
from counted parameters.

Nothing is written that stays. It is for one process; evaluation, gate and publishing come on top.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, set_seed

from trainer.base_model import freeze_lower, load_base
from trainer.data.tagged import count_tagged
from trainer.estimate.counts import (
    COUNT,
    COUNT_LEARNT,
    Count,
    choose_count,
    count_apart,
    count_packed,
    count_virtual_rows,
)
from trainer.estimate.memory import Need, Parameters, count_parameters, find_needs
from trainer.estimate.need import RunNeed, find_run_need
from trainer.estimate.peak import read_memory
from trainer.estimate.trial_run import STEPS, TimedSteps, time_steps
from trainer.objectives.arguments import build_method, build_settings
from trainer.objectives.by_name import choose_prepare, read_data
from trainer.objectives.choice.example_set import ConversationSet
from trainer.objectives.choice.prepare import name_dtype
from trainer.objectives.choice.reference import list_missing
from trainer.packing.prefix_tree import count_shared_tokens
from trainer.packing.rows import split_rows
from trainer.recipes.adapter_layers import require_trained
from trainer.recipes.methods import VIRTUAL
from trainer.recipes.recipe import Recipe

FORWARD = (
    0.5  # share of a step's time: with frozen weights the backward pass takes as long as the forward one
)


@dataclass(frozen=True)
class Tokens:
    """Tokens that the model reads: in an `epoch`, a `held_out` check, for a missing `reference`."""

    epoch: int
    held_out: int
    reference: int


@dataclass(frozen=True)
class Seconds:
    """Seconds of each part. `reference`: what of it is not stored yet; `checks`: of held-out examples."""

    load: float
    reference: float
    training: float
    checks: float

    @property
    def total(self) -> float:
        return self.load + self.reference + self.training + self.checks


@dataclass(frozen=True)
class Forecast:
    """The forecast of one run. `examples`: choices, pairs and thumbs of `choice`, pairs of `dpo`, texts of
    `sft`, thumbs of `kto`.

    `stored`: how many of the examples and held-out ones have a stored reference; None for objectives of TRL's
    and if the reference is computed in the run. `unpacked`: why rows are not packed, or None.
    """

    objective: str
    recipe: str
    device: str
    found: int
    examples: int
    held_out: int
    refusals: Mapping[str, int]
    tags: Mapping[str, int]  # records with each tag that the recipe weighs
    unpacked: str | None
    tokens: Tokens
    epochs: float
    steps: int
    stored: int | None
    seconds: Seconds
    timed: TimedSteps
    parameters: Parameters
    needs: Mapping[str, Need]
    need: RunNeed

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "seconds": asdict(self.seconds) | {"total": self.seconds.total},
            "needs": {name: need.to_json() for name, need in self.needs.items()},
            "need": self.need.to_json(),
        }


def forecast(
    dataset_dir: Path, base: Path, recipe: Recipe, *, reference_dir: Path, read: set[str] | None = None
) -> Forecast:
    """Forecasts a run in the time of a load and six steps. `read`: examples whose reference an earlier stage
    stores; those of this one are added. Raises DatasetMissing, NothingToTrainOn, TooFewExamples.
    """
    require_trained(base, recipe)
    torch.set_num_threads(recipe.threads)
    tokenizer = AutoTokenizer.from_pretrained(base)
    data = read_data(dataset_dir, base, tokenizer, recipe)
    examples, held_out = data.found.examples, data.held_out.examples
    recipe = recipe.settle_epochs(len(examples))
    steps, program = count_steps(len(examples), recipe), read_memory()
    timed, load, unpacked, count = try_steps(data, base, recipe, steps)
    tokens, stored = count_run(data, recipe, count, reference_dir, earlier=read)
    seconds = find_seconds(tokens, recipe, steps, timed.rate, load=load)
    parameters = count_parameters(base, build_method(base, recipe), recipe)
    needs = find_needs(parameters, recipe.dtype)
    return Forecast(
        objective=recipe.objective,
        recipe=recipe.name,
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        found=data.found.found,
        examples=len(examples),
        held_out=len(held_out),
        refusals=dict(data.found.refusals),
        tags=count_tagged(dataset_dir, recipe.tag_weights),
        unpacked=unpacked,
        tokens=tokens,
        epochs=recipe.epochs,
        steps=steps,
        stored=stored,
        seconds=seconds,
        timed=timed,
        parameters=parameters,
        needs=needs,
        need=find_run_need(
            base,
            recipe,
            needs,
            tokens=find_largest(examples, recipe),
            program=program,
            seconds=seconds.total,
        ),
    )


def foresee(
    data: Any, base: Path, recipe: Recipe, *, reference_dir: Path, program: int, reading: float
) -> RunNeed:
    """What a run will take, before its first step. `reading`: seconds for which the base reads a token."""
    examples = data.found.examples
    recipe = recipe.settle_epochs(len(examples))
    tokens, _ = count_run(data, recipe, choose_count(recipe), reference_dir)
    steps = count_steps(len(examples), recipe)
    return find_run_need(
        base,
        recipe,
        find_needs(count_parameters(base, build_method(base, recipe), recipe), recipe.dtype),
        tokens=find_largest(examples, recipe),
        program=program,
        seconds=find_seconds(tokens, recipe, steps, reading / FORWARD).total,
    )


def count_run(
    data: Any, recipe: Recipe, count: Count, reference_dir: Path, *, earlier: set[str] | None = None
) -> tuple[Tokens, int | None]:
    """The tokens of a run, and how many of its examples have a stored reference, if it stores any. `earlier`:
    examples whose reference an earlier stage stores; those of this one are added.
    """
    examples, held_out = data.found.examples, data.held_out.examples
    stored, missing = None, []
    if recipe.objective == "choice" and recipe.reference == "stored":
        missing = list_missing(
            [*examples, *held_out], data_dir=reference_dir, base_id=data.base_id, dtype=name_dtype(recipe)
        )
        if earlier is not None:
            missing = [example for example in missing if example.id not in earlier]
            earlier.update(example.id for example in missing)
        stored = len(examples) + len(held_out) - len(missing)
    tokens = Tokens(
        epoch=sum(map(count, list_batches(examples, recipe))),
        held_out=count(held_out),
        reference=sum(count([example]) for example in missing),
    )
    return tokens, stored


def find_seconds(tokens: Tokens, recipe: Recipe, steps: int, rate: float, *, load: float = 0.0) -> Seconds:
    """To the end of the run; early stopping only makes it shorter. `rate`: seconds of training a token."""
    checks = ceil(steps / recipe.checkpoint_steps) if tokens.held_out else 0
    return Seconds(
        load=load,
        reference=tokens.reference * FORWARD * rate,
        training=recipe.epochs * tokens.epoch * rate,
        checks=checks * tokens.held_out * FORWARD * rate,
    )


def find_largest(examples: Sequence[Any], recipe: Recipe) -> int:
    """The most tokens that are in the model at once with a gradient: a packed row, a batch padded to its
    longest, or with virtual tokens the replies of one example.
    """
    if recipe.method in VIRTUAL:
        return max(count_virtual_rows(recipe, [example]) for example in examples)
    if recipe.objective == "choice":
        batches = list_batches(examples, recipe)
        rows = (row for batch in batches for row in split_rows(batch, recipe.row_tokens))
        return max(map(count_shared_tokens, rows))
    return recipe.batch_size * max(COUNT_LEARNT[recipe.objective]([example]) for example in examples)


def count_steps(examples: int, recipe: Recipe) -> int:
    """Optimizer steps of a whole run, for a recipe whose epochs are settled."""
    return ceil(recipe.epochs * recipe.count_epoch_steps(examples))


def try_steps(
    data: Any, base: Path, recipe: Recipe, steps: int
) -> tuple[TimedSteps, float, str | None, Count]:
    """Runs a few steps on a part of the data, with nothing held out.

    Returns their times, the seconds of loading the base, why rows are not packed (or None), and the function
    that counts the tokens of a batch.
    """
    examples = data.found.examples
    few = examples[: STEPS * recipe.batch_size * recipe.accumulation]
    part = replace(
        data,
        found=replace(data.found, examples=few),
        held_out=replace(data.held_out, examples=[]),
    )
    set_seed(recipe.seed)
    began = time.monotonic()
    model = load_base(base, recipe.dtype, quantised=recipe.method == "qlora")
    freeze_lower(model, recipe)
    load = time.monotonic() - began
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = build_settings(recipe, folder) | {"max_steps": min(STEPS, steps), "save_strategy": "no"}
        prepare = choose_prepare(recipe, reference_dir=folder)
        trainer, _ = prepare(part, model, recipe, build_method(base, recipe), settings)
        unpacked: str | None = None
        count = COUNT.get(recipe.objective, count_apart)
        if recipe.objective == "choice":
            unpacked = trainer.reader.obstacle
            count = count_apart if unpacked else partial(count_packed, recipe)
        longest = sorted(examples, key=lambda example: count([example]))[-recipe.batch_size :]
        timed = time_steps(trainer, longest, count, batches_a_step=recipe.accumulation)
    return timed, load, unpacked, count


def list_batches(examples: Sequence[Any], recipe: Recipe) -> list[list[Any]]:
    """The batches of the first epoch."""
    size = recipe.batch_size
    order = ConversationSet(examples, recipe.seed) if recipe.objective == "choice" else examples
    ordered = [order[place] for place in range(len(examples))]
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]
