"""How many tokens go through the model for a batch, by how an objective and a method read it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from trainer.data.example import Example
from trainer.packing.prefix_tree import count_shared_tokens
from trainer.packing.rows import split_rows
from trainer.recipes.methods import VIRTUAL
from trainer.recipes.recipe import Recipe

Count = Callable[[Sequence[Any]], int]


def count_packed(recipe: Recipe, batch: Sequence[Example]) -> int:
    """Tokens that go through the model for a batch in packed rows, shared histories counted once."""
    return sum(map(count_shared_tokens, split_rows(batch, recipe.row_tokens)))


def count_apart(batch: Sequence[Example]) -> int:
    """Tokens that go through the model for a batch with one reply per row."""
    return sum(len(example.prompt_ids) + len(reply) for example in batch for reply in example.replies)


def count_virtual_rows(recipe: Recipe, batch: Sequence[Example]) -> int:
    """Tokens that go through the model for a batch with one reply per row behind virtual tokens, the rows of
    an example padded to its longest. Those of a prefix are keys and values, and go through nothing.
    """
    virtual = 0 if recipe.method == "prefix" else recipe.virtual_tokens
    return sum(
        len(example.replies) * (virtual + len(example.prompt_ids) + max(map(len, example.replies)))
        for example in batch
    )


def count_pairs(rows: Sequence[Mapping[str, Sequence[int]]]) -> int:
    """Tokens that go through the model for a batch of pairs, with one row for either side."""
    return sum(2 * len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"]) for row in rows)


def count_text_tokens(rows: Sequence[Mapping[str, Sequence[int]]]) -> int:
    """Tokens that go through the model for a batch of texts."""
    return sum(len(row["input_ids"]) for row in rows)


def count_thumb_tokens(rows: Sequence[Mapping[str, Sequence[int]]]) -> int:
    """Tokens that go through the model for a batch of thumbs, with one row for the reply and one for the
    reply of another prompt.
    """
    replies = ("completion_ids", "KL_completion_ids")
    return sum(2 * len(row["prompt_ids"]) + sum(len(row[name]) for name in replies) for row in rows)


def count_learnt_thumb_tokens(rows: Sequence[Mapping[str, Sequence[int]]]) -> int:
    """Tokens with the replies that were rated: the others are read without a gradient, and nothing stays."""
    return sum(len(row["prompt_ids"]) + len(row["completion_ids"]) for row in rows)


COUNT: dict[str, Count] = {"dpo": count_pairs, "sft": count_text_tokens, "kto": count_thumb_tokens}
COUNT_LEARNT = COUNT | {"kto": count_learnt_thumb_tokens}  # of which something waits for the backward pass


def choose_count(recipe: Recipe) -> Count:
    """The function that counts the tokens of a batch, as far as the recipe tells how rows are read."""
    if recipe.objective == "choice":
        return (
            partial(count_virtual_rows, recipe) if recipe.method in VIRTUAL else partial(count_packed, recipe)
        )
    return COUNT[recipe.objective]
