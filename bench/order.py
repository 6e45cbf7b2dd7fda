"""One order of choices for two trainings that are compared.

Which choices stand together in a step moves held-out nats by one or two hundredths, the objective itself by
less: two trainings in different orders mostly differ by chance. Here `dpo` takes the pairs of a choice where
`choice` takes the choice, from the same start.
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
    """Trainings within it go through the choices in one seeded order, in each epoch."""
    with (
        patch.object(examples, "hash_share", place_choice),
        patch.object(pair_rows, "hash_share", place_choice),
        patch.object(ConversationSet, "set_epoch", lambda examples, epoch: None),
        patch.object(Trainer, "_get_train_sampler", sample_in_sequence),
    ):
        yield


def place_choice(*words: object) -> float:
    """`hash_share` for which a pair is its choice."""
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
