"""Gives two trainings that are compared the same order of choices.

Which choices share a step changes held-out nats by one or two hundredths, more than the objective does:
trainings in different orders would differ mostly by chance. Here `dpo` takes the pairs of a choice where
`choice` takes the choice, and both have the same initial weights.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from torch.utils.data import SequentialSampler
from transformers import Trainer

from trainer.data import pair_rows
from trainer.data.pair_rows import hash_share
from trainer.objectives.choice import examples
from trainer.objectives.choice.example_set import ConversationSet


@contextmanager
def same_order() -> Iterator[None]:
    """Inside this block every training goes through the choices in one seeded order, in each epoch."""
    with (
        patch.object(examples, "hash_share", place_choice),
        patch.object(pair_rows, "hash_share", place_choice),
        patch.object(ConversationSet, "set_epoch", lambda examples, epoch: None),
        patch.object(Trainer, "_get_train_sampler", sample_in_sequence),
    ):
        yield


def place_choice(*words: object) -> float:
    """Replaces `hash_share`: a pair gets the hash of its choice."""
    purpose, *rest, key = words
    if purpose != "select":
        return hash_share(*words)
    name = str(key)
    # Examples of choices are choices/SOURCE/ID, pairs ID/SUFFIX.
    return hash_share(
        "select", *rest, name.split("/", 2)[2] if name.startswith("choices/") else name.rpartition("/")[0]
    )


def sample_in_sequence(trainer: Any, dataset: Any = None) -> SequentialSampler:
    return SequentialSampler(trainer.train_dataset if dataset is None else dataset)
