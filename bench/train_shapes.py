"""The inputs of `bench.train`: models by name, and choices of a given shape or from a file."""

import json
import random
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, Qwen2Config

from bench.flops import FlopWork, pair_work, row_work
from demo.build import MODEL_DIR
from trainer.data.choices import read_choice_lines
from trainer.data.example import Example, Stage
from trainer.data.pair_rows import hash_share
from trainer.data.tokens import Encoder
from trainer.objectives.choice.examples import FormRow, make_choice_example
from trainer.objectives.choice.noise_model import NoiseModel
from trainer.packing.rows import count_tokens, pack_row, split_rows
from trainer.recipes.recipe import Recipe

CONFIGS = {
    "qwen2.5-0.5b": Qwen2Config(
        vocab_size=151_936,
        hidden_size=896,
        intermediate_size=4864,
        num_hidden_layers=24,
        num_attention_heads=14,
        num_key_value_heads=2,
        max_position_embeddings=32_768,
        rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        tie_word_embeddings=True,
    ),
    "tiny": Qwen2Config(
        vocab_size=4096,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
    ),
}
MODELS = ("demo", *CONFIGS)


@dataclass(frozen=True)
class Shape:
    """Choices of one prompt length and reply length (both in tokens) and number of replies."""

    prompt: int
    reply: int
    replies: int

    @classmethod
    def parse(cls, text: str) -> "Shape":
        prompt, reply, replies = map(int, text.split("/"))
        return cls(prompt, reply, replies)

    @property
    def suffix(self) -> str:
        return f"_{self.prompt}_{self.reply}_{self.replies}"


def load_config(name: str) -> Any:
    """A separate copy of the configuration, since models change theirs."""
    return AutoConfig.from_pretrained(MODEL_DIR) if name == "demo" else deepcopy(CONFIGS[name])


def make_model(name: str, *, device: str, dtype: torch.dtype) -> Any:
    """The demo model, or random weights of a named configuration: speed does not depend on their values."""
    torch.manual_seed(0)
    if name == "demo":
        return AutoModelForCausalLM.from_pretrained(MODEL_DIR, dtype=dtype).to(device)
    with torch.device(device):
        return AutoModelForCausalLM.from_config(load_config(name), dtype=dtype)


def load_tokenizer() -> Any:
    """The demo model's tokenizer for every model: TRL needs one for padding, and texts need one."""
    return AutoTokenizer.from_pretrained(MODEL_DIR)


def draw_choices(shape: Shape, number: int, *, vocabulary: int, seed: int = 0) -> list[Example]:
    """Choices of random tokens, each in a separate conversation."""
    draw = TokenDraw(f"{seed} {shape}", vocabulary)
    return [draw.choice(place, f"c{place}", draw.tokens(shape.prompt), shape) for place in range(number)]


def draw_talks(shape: Shape, number: int, turns: int, *, vocabulary: int, seed: int = 0) -> list[Example]:
    """At least `number` choices in whole conversations of random tokens. `shape` describes the first turn;
    each next prompt adds the picked reply and a new message of the same length.
    """
    draw = TokenDraw(f"{seed} {shape} {turns}", vocabulary)
    found: list[Example] = []
    while len(found) < number:
        prompt, name = draw.tokens(shape.prompt), f"c{len(found)}"
        for _ in range(turns):
            example = draw.choice(len(found), name, prompt, shape)
            found.append(example)
            prompt += example.replies[example.stages[0].won[0]] + draw.tokens(shape.reply)
    return found


class TokenDraw:
    """Draws random tokens with a seed, and choices made of them. Every reply ends with the same token."""

    def __init__(self, seed: str, vocabulary: int) -> None:
        self._rng, self._vocabulary = random.Random(seed), vocabulary

    def tokens(self, count: int) -> tuple[int, ...]:
        return tuple(self._rng.randrange(10, self._vocabulary) for _ in range(count))

    def choice(self, place: int, conversation: str, prompt: tuple[int, ...], shape: Shape) -> Example:
        options, won = tuple(range(shape.replies)), place % shape.replies
        return Example(
            id=f"c{place}",
            conversation=conversation,
            prompt_ids=prompt,
            replies=tuple((*self.tokens(shape.reply - 1), 9) for _ in options),
            stages=(Stage(options, (won,), (0.0,) * shape.replies, 0.1),),
            preferred=won,
            nll=0.1,
            thumb=None,
            weight=1.0,
        )


def read_picked(file: Path, number: int, recipe: Recipe) -> list[Example]:
    """Choices with one pick from a file that fit into the recipe's `max_length`, in a stable hash order."""
    encoder, found = Encoder(load_tokenizer(), base_id="none"), []
    lines = sorted(read_choice_lines(file), key=lambda line: hash_share("bench", line))
    for place, line in enumerate(lines):
        example = make_choice_example(
            FormRow(0.0, f"c{place}", "choices", json.loads(line)), encoder, recipe, NoiseModel()
        )
        if (
            isinstance(example, Example)
            and len(example.stages) == 1
            and len(example.stages[0].won) == 1
            and len(example.prompt_ids) + max(map(len, example.replies)) <= recipe.max_length
        ):
            found.append(example)
        if len(found) == number:
            break
    return found


def derive_pairs(examples: Sequence[Example]) -> list[dict[str, list[int]]]:
    """The picked reply over each other one, as rows for TRL, sorted by length so that batches have little
    padding.
    """
    rows = [
        {
            "prompt_ids": list(example.prompt_ids),
            "chosen_ids": list(example.replies[stage.won[0]]),
            "rejected_ids": list(example.replies[place]),
        }
        for example in examples
        for stage in example.stages
        for place in stage.options
        if place not in stage.won
    ]
    return sorted(rows, key=lambda row: -sum(map(len, row.values())))


def sum_choices(examples: Sequence[Example]) -> FlopWork:
    """The FLOP work of the examples with the objective `choice`."""
    return sum_rows([example] for example in examples)


def sum_talks(examples: Sequence[Example], row_tokens: int) -> FlopWork:
    """The FLOP work of whole conversations with `choice`, as trees in rows of `row_tokens` tokens."""
    return sum_rows(split_rows(examples, row_tokens))


def sum_rows(rows: Iterable[Sequence[Example]]) -> FlopWork:
    total = FlopWork(0, 0, 0, 0, 0)
    for row in rows:
        total = total.add(row_work(pack_row(row)))
    return total


def sum_pairs(examples: Sequence[Example], *, every_position: bool) -> FlopWork:
    """The FLOP work of the examples' pairs in TRL, without padding."""
    total = FlopWork(0, 0, 0, 0, 0)
    for row in derive_pairs(examples):
        replies = (len(row["chosen_ids"]), len(row["rejected_ids"]))
        total = total.add(pair_work(len(row["prompt_ids"]), replies, every_position=every_position))
    return total


def describe_examples(examples: Sequence[Example]) -> str:
    replies = [len(reply) for example in examples for reply in example.replies]
    prompt = sum(len(example.prompt_ids) for example in examples) / len(examples)
    each = sum(map(count_tokens, examples)) / len(examples)
    return (
        f"{len(examples)} choices: prompt {prompt:.0f}, reply {sum(replies) / len(replies):.0f} tokens, "
        f"{len(replies) / len(examples):.1f} replies, {each:.0f} tokens packed"
    )
