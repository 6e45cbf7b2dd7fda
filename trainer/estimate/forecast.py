"""What a run will take, before it is asked for: counts of its data, time and memory from a few real steps.

    count the data -> warm up on a part of it -> draw the line over all of it

Writes nothing that stays. One process; evaluation, gate and publishing come on top.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, set_seed

from trainer.data.example import Example
from trainer.estimate.memory import Need, Parameters, count_parameters, find_needs
from trainer.estimate.trial_run import STEPS, Measured, warm_up
from trainer.objectives.arguments import build_lora, build_settings, load_model
from trainer.objectives.choice.example_set import ConversationSet
from trainer.objectives.choice.prepare import ChoiceData, name_dtype, prepare_choices, read_base, read_choices
from trainer.objectives.choice.reference import find_stored
from trainer.objectives.dpo import PairData, prepare_pairs, read_pairs
from trainer.packing.prefix_tree import count_shared_tokens
from trainer.packing.rows import count_tokens, split_rows
from trainer.recipes.recipe import Recipe

REFERENCE_READ = 8  # examples under the base, to know its speed


@dataclass(frozen=True)
class Tokens:
    """Of one epoch. `prompt`, `reply`: each prompt and reply once; `packed`: what the rows of `choice` hold,
    None for `dpo`; `pairs`: what pairs of the same decisions hold, prompt and all. `held_out`: as the
    objective reads them.
    """

    prompt: int
    reply: int
    packed: int | None
    pairs: int
    held_out: int


@dataclass(frozen=True)
class Seconds:
    """`reference`: log-probabilities of the base that are not stored yet; `checks`: held-out ones."""

    load: float
    reference: float
    training: float
    checks: float

    @property
    def total(self) -> float:
        return self.load + self.reference + self.training + self.checks


@dataclass(frozen=True)
class Forecast:
    """`examples`: choices, pairs and thumbs of `choice`, pairs of `dpo`. `stored`: replies whose reference is
    known, of `replies`; None for `dpo` and for a reference in the run. `unpacked`: why rows are not packed.
    """

    objective: str
    recipe: str
    device: str
    found: int
    examples: int
    held_out: int
    refusals: Mapping[str, int]
    unpacked: str | None
    tokens: Tokens
    epochs: float
    steps: int
    replies: int
    stored: int | None
    seconds: Seconds
    measured: Measured
    parameters: Parameters
    needs: Mapping[str, Need]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "seconds": asdict(self.seconds) | {"total": self.seconds.total},
            "needs": {name: need.to_json() for name, need in self.needs.items()},
        }


@dataclass(frozen=True)
class Trial:
    """What running a part of the data showed. `load`: seconds; `read_rate`: seconds per token under the
    base.
    """

    measured: Measured
    load: float
    read_rate: float
    unpacked: str | None


def forecast(dataset_dir: Path, base: Path, recipe: Recipe, *, reference_dir: Path) -> Forecast:
    """Takes about as long as loading the base and six steps. Raises DatasetMissing, NothingToTrainOn."""
    torch.set_num_threads(recipe.threads)
    tokenizer = AutoTokenizer.from_pretrained(base)
    if recipe.objective == "choice":
        return _forecast_choices(
            read_choices(dataset_dir, base, tokenizer, recipe), base, recipe, reference_dir
        )
    return _forecast_pairs(read_pairs(dataset_dir, tokenizer, recipe), tokenizer, base, recipe)


def _forecast_choices(data: ChoiceData, base: Path, recipe: Recipe, reference_dir: Path) -> Forecast:
    examples, held_out = data.found.examples, data.held_out.examples
    recipe = recipe.settle_epochs(len(examples))
    steps = count_steps(len(examples), recipe)
    trial = _try_choices(data, base, recipe, steps)
    tokens = count_choices(examples, held_out, recipe, packed=trial.unpacked is None)
    everything = [*examples, *held_out]
    stored, missing, replies = None, 0, sum(len(example.replies) for example in everything)
    if recipe.reference == "stored":
        found = find_stored(
            everything, data_dir=reference_dir, base_id=data.base_id, dtype=name_dtype(recipe)
        )
        stored = sum(map(sum, found))
        missing = count_alone(
            [example for example, known in zip(everything, found, strict=True) if not all(known)],
            packed=trial.unpacked is None,
        )
    assert tokens.packed is not None
    return Forecast(
        objective="choice",
        found=data.found.found,
        examples=len(examples),
        held_out=len(held_out),
        refusals=dict(data.found.refusals),
        tokens=tokens,
        replies=replies,
        stored=stored,
        seconds=_draw(recipe, steps, trial, tokens.packed, tokens.held_out, missing),
        **_common(recipe, base, steps, trial),
    )


def _forecast_pairs(data: PairData, tokenizer: Any, base: Path, recipe: Recipe) -> Forecast:
    recipe = recipe.settle_epochs(len(data.found.rows))
    steps = count_steps(len(data.found.rows), recipe)
    trial = _try_pairs(data, tokenizer, base, recipe, steps)
    tokens = Tokens(
        prompt=sum(len(row["prompt_ids"]) for row in data.found.rows),
        reply=sum(len(row["chosen_ids"]) + len(row["rejected_ids"]) for row in data.found.rows),
        packed=None,
        pairs=count_pairs(data.found.rows),
        held_out=count_pairs(data.held_out.rows),
    )
    return Forecast(
        objective="dpo",
        found=data.found.found,
        examples=len(data.found.rows),
        held_out=len(data.held_out.rows),
        refusals=dict(data.found.refusals),
        tokens=tokens,
        replies=2 * len(data.found.rows),
        stored=None,
        seconds=_draw(recipe, steps, trial, tokens.pairs, tokens.held_out, 0),
        **_common(recipe, base, steps, trial),
    )


def _common(recipe: Recipe, base: Path, steps: int, trial: Trial) -> dict[str, Any]:
    parameters = count_parameters(base, build_lora(recipe))
    return {
        "recipe": recipe.name,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "unpacked": trial.unpacked,
        "epochs": recipe.epochs,
        "steps": steps,
        "measured": trial.measured,
        "parameters": parameters,
        "needs": find_needs(parameters, recipe.dtype, trial.measured.activations),
    }


def _draw(recipe: Recipe, steps: int, trial: Trial, epoch: int, held_out: int, missing: int) -> Seconds:
    """To the end of the run, by tokens; early stopping only makes it shorter."""
    checks = ceil(steps / recipe.checkpoint_steps) if trial.measured.check_rate is not None else 0
    return Seconds(
        load=trial.load,
        reference=missing * trial.read_rate,
        training=epoch * recipe.epochs * trial.measured.rate,
        checks=checks * held_out * (trial.measured.check_rate or 0.0),
    )


def count_steps(examples: int, recipe: Recipe) -> int:
    """Optimizer steps of a whole run, epochs settled."""
    return ceil(recipe.epochs * recipe.count_epoch_steps(examples))


def count_choices(
    examples: Sequence[Example], held_out: Sequence[Example], recipe: Recipe, *, packed: bool
) -> Tokens:
    order = ConversationSet(examples, recipe.seed) if recipe.trees else examples
    batches = [
        [order[place] for place in range(start, min(start + recipe.batch_size, len(examples)))]
        for start in range(0, len(examples), recipe.batch_size)
    ]
    return Tokens(
        prompt=sum(len(example.prompt_ids) for example in examples),
        reply=sum(len(reply) for example in examples for reply in example.replies),
        packed=sum(count_batch(batch, recipe, packed=packed) for batch in batches),
        pairs=sum(map(count_as_pairs, examples)),
        held_out=count_batch(held_out, recipe, packed=packed),
    )


def count_batch(batch: Sequence[Example], recipe: Recipe, *, packed: bool = True) -> int:
    """Tokens that go through the model for a batch."""
    if packed and recipe.trees:
        return sum(map(count_shared_tokens, split_rows(batch, recipe.row_tokens, trees=True)))
    return count_alone(batch, packed=packed)


def count_alone(examples: Sequence[Example], *, packed: bool = True) -> int:
    """Tokens where examples share none; replies share their prompt if `packed`."""
    if packed:
        return sum(map(count_tokens, examples))
    return sum(len(example.prompt_ids) + len(reply) for example in examples for reply in example.replies)


def count_as_pairs(example: Example) -> int:
    """Each that won with each that lost, as one row for either: what pairs of the same decisions cost."""
    return sum(
        2 * len(example.prompt_ids) + len(example.replies[won]) + len(example.replies[lost])
        for stage in example.stages
        for won in stage.won
        for lost in stage.options
        if lost not in stage.won
    )


def count_pairs(rows: Sequence[Mapping[str, Sequence[int]]]) -> int:
    return sum(2 * len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"]) for row in rows)


def _try_choices(data: ChoiceData, base: Path, recipe: Recipe, steps: int) -> Trial:
    batch = recipe.batch_size
    part = replace(
        data,
        found=replace(data.found, examples=data.found.examples[: STEPS * batch * recipe.accumulation]),
        held_out=replace(data.held_out, examples=data.held_out.examples[: 2 * batch]),
    )
    longest = sorted(data.found.examples, key=count_tokens)[-batch:]
    set_seed(recipe.seed)
    began = time.monotonic()
    model, lora = load_model(base, recipe), build_lora(recipe)
    load = time.monotonic() - began
    with tempfile.TemporaryDirectory() as folder:
        settings = _make_settings(recipe, Path(folder), steps)
        trainer, counts = prepare_choices(part, model, _loosen(recipe), lora, settings, Path(folder))
        packed = counts["unpacked"] is None

        def count(batch: Sequence[Example]) -> int:
            return count_batch(batch, recipe, packed=packed)

        measured = warm_up(
            trainer, longest, part.held_out.examples, count, batches_a_step=recipe.accumulation
        )
        few = part.found.examples[:REFERENCE_READ]
        began = time.perf_counter()
        read_base(trainer.model, trainer.reader, few)
        read_rate = (time.perf_counter() - began) / count_alone(few, packed=packed)
    return Trial(measured, load, read_rate, counts["unpacked"])


def _try_pairs(data: PairData, tokenizer: Any, base: Path, recipe: Recipe, steps: int) -> Trial:
    batch = recipe.batch_size
    part = replace(
        data,
        found=replace(data.found, rows=data.found.rows[: STEPS * batch * recipe.accumulation]),
        held_out=replace(data.held_out, rows=data.held_out.rows[: 2 * batch]),
    )
    longest = sorted(data.found.rows, key=lambda row: count_pairs([row]))[-batch:]
    set_seed(recipe.seed)
    began = time.monotonic()
    model, lora = load_model(base, recipe), build_lora(recipe)
    load = time.monotonic() - began
    with tempfile.TemporaryDirectory() as folder:
        settings = _make_settings(recipe, Path(folder), steps)
        trainer, _ = prepare_pairs(part, tokenizer, model, _loosen(recipe), lora, settings)
        measured = warm_up(
            trainer, longest, part.held_out.rows, count_pairs, batches_a_step=recipe.accumulation
        )
    return Trial(measured, load, read_rate=0.0, unpacked=None)


def _make_settings(recipe: Recipe, folder: Path, steps: int) -> dict[str, Any]:
    return build_settings(recipe, folder) | {"max_steps": min(STEPS, steps), "save_strategy": "no"}


def _loosen(recipe: Recipe) -> Recipe:
    """No held-out check between the steps that are timed, and no best checkpoint to go back to."""
    return recipe.model_copy(update={"checkpoint_steps": 2 * STEPS, "patience": 0})
