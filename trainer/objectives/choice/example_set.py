"""The examples of the train split as transformers' Trainer reads them."""

from collections.abc import Sequence
from random import Random

from torch.utils.data import Dataset

from trainer.data.example import Example
from trainer.packing.prefix_tree import group_conversations


class ConversationSet(Dataset[Example]):
    """A dataset to read in sequence: a conversation's turns stand together, and each epoch shuffles the
    conversations.

    Loaders call `set_epoch` before each epoch and after a checkpoint. The order depends only on the epoch and
    the seed, so a resumed run and every process see the same one.
    """

    def __init__(self, examples: Sequence[Example], seed: int) -> None:
        self._examples = list(examples)
        self._conversations = group_conversations(examples)
        self._seed = seed
        self.set_epoch(0)

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, place: int) -> Example:
        return self._examples[place]

    def set_epoch(self, epoch: int) -> None:
        order = list(self._conversations)
        Random(f"{self._seed} {epoch}").shuffle(order)
        self._examples = [example for turns in order for example in turns]
