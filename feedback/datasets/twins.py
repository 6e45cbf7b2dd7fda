"""Finds the twins of held-out prompts: near-duplicates (feedback/duplicates) in other splits, which training
must not see.

A record of train has a twin if its prompt is like one of validation or test, a record of validation if it is
like one of test. The split is that of the conversation and never moves, so that growth can only take records
out of train. Pure but for the files of the texts: the same records give the same twins in any order.
"""

import tempfile
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feedback.canonical import hash_text
from feedback.datasets.atomic_dir import read_jsonl
from feedback.datasets.errors import DatasetMissing
from feedback.datasets.layout import SPLITS, list_dataset_files
from feedback.duplicates.grams import flatten_prompt
from feedback.duplicates.pairs import NearPairs, Numbers, find_near_pairs
from feedback.duplicates.signatures import TextFile

TRAIN, VALIDATION, TEST = (1 << place for place in range(len(SPLITS)))
# By split, the splits that may hold no twin of its records.
HELD_OUT = {"train": VALIDATION | TEST, "validation": TEST, "test": 0}
SEVERAL = 0  # conversations
NO_TEXT = -1

Bits = NDArray[np.uint8]


class PromptTexts:
    """The texts of prompts, with the splits and the conversation that each is in. Call `close` at the end."""

    def __init__(self, folder: Path) -> None:
        self.texts = TextFile(folder)
        self.splits = bytearray()  # by number of the text
        self.conversations = array("Q")

    def add(self, messages: Iterable[Mapping[str, Any]], *, conversation: str) -> int:
        """The number of the prompt's text; NO_TEXT if it is too short to be compared."""
        number = self.texts.add(flatten_prompt(messages))
        if number is None:
            return NO_TEXT
        key = int(hash_text(conversation)[:16], 16) | 1
        if number == len(self.splits):
            self.splits.append(0)
            self.conversations.append(key)
        elif self.conversations[number] != key:
            self.conversations[number] = SEVERAL
        return number

    def mark(self, number: int, split: str) -> None:
        """Notes that a record with this text is in a split. A text in none is no twin."""
        if number != NO_TEXT:
            self.splits[number] |= 1 << SPLITS.index(split)

    def find_pairs(self, among: Numbers) -> NearPairs:
        """The near-duplicates of different conversations. Those of one do no harm: they are in one split."""
        conversations = np.frombuffer(self.conversations, np.uint64)

        def are_apart(left: Numbers, right: Numbers) -> NDArray[np.bool_]:
            one, other = conversations[left], conversations[right]
            apart: NDArray[np.bool_] = (one != other) | (one == SEVERAL)
            return apart

        return find_near_pairs(self.texts, among=among, is_wanted=are_apart)

    def find_alike(self, least: float) -> NearPairs:
        """The pairs of texts in different splits that have at least this share of their grams in common."""
        splits = np.frombuffer(self.splits, np.uint8)

        def are_split(left: Numbers, right: Numbers) -> NDArray[np.bool_]:
            split: NDArray[np.bool_] = splits[left] != splits[right]
            return split

        return find_near_pairs(self.texts, is_wanted=are_split, least=least)

    def close(self) -> None:
        self.texts.close()


@dataclass(frozen=True)
class Twins:
    """What was found. `reached`: by number of a text, the splits in which it or a near-duplicate stands.
    `pairs`: the near-duplicates among the texts of which something is left.
    """

    reached: Bits
    pairs: NearPairs

    def holds_out(self, number: int, split: str) -> bool:
        """Whether a record with this text has a twin in a split held out from its own."""
        return number != NO_TEXT and bool(self.reached[number] & HELD_OUT[split])

    def list_near(self) -> dict[int, list[int]]:
        """By number of a text, the numbers of its near-duplicates."""
        near: dict[int, list[int]] = {}
        for one, other in zip(self.pairs.left.tolist(), self.pairs.right.tolist(), strict=True):
            near.setdefault(one, []).append(other)
            near.setdefault(other, []).append(one)
        return near


def find_twins(prompts: PromptTexts) -> Twins:
    """The twins among all prompts that were added. It searches again while a search that left something out
    could not compare everything, so that what is left has no twin that `find_leaks` can find.
    """
    prompts.texts.finish()
    left = np.frombuffer(bytes(prompts.splits), np.uint8).copy()
    reached = left.copy()
    while True:
        pairs = prompts.find_pairs(np.flatnonzero(left))
        np.bitwise_or(reached, reach_splits(left, pairs), out=reached)
        kept = leave_out_twins(left, reached)
        if not pairs.is_bounded or (kept == left).all():
            break
        left = kept
    alive = (kept[pairs.left] != 0) & (kept[pairs.right] != 0)
    left_over = (pairs.left[alive], pairs.right[alive], pairs.similarity[alive])
    return Twins(reached, NearPairs(*left_over, is_bounded=pairs.is_bounded))


def reach_splits(splits: Bits, pairs: NearPairs) -> Bits:
    """The splits in which each text or a near-duplicate of it stands."""
    reached = splits.copy()
    np.bitwise_or.at(reached, pairs.left, splits[pairs.right])
    np.bitwise_or.at(reached, pairs.right, splits[pairs.left])
    return reached


def leave_out_twins(splits: Bits, reached: Bits) -> Bits:
    """The splits that are left to each text."""
    kept = splits.copy()
    for place, split in enumerate(SPLITS):
        kept[(reached & HELD_OUT[split]) != 0] &= ~np.uint8(1 << place)
    return kept


@dataclass(frozen=True)
class Leak:
    """A record of a dataset whose prompt is like one held out from its split, and one such record."""

    split: str
    format: str
    source: str
    id: str
    twin_split: str
    twin_source: str
    twin_id: str


def find_leaks(path: Path) -> list[Leak]:
    """The records of a dataset's directory that have a twin in a held-out split, in the order of its files;
    a build of form 2 leaves none. Raises DatasetMissing.
    """
    numbers = array("q")
    with tempfile.TemporaryDirectory() as folder, closing(PromptTexts(Path(folder))) as prompts:
        for _, record in iterate_dataset(path):
            conversation = record.get("conversation") or record.get("group") or ""
            numbers.append(prompts.add(record["prompt"], conversation=conversation))
            prompts.mark(numbers[-1], record["split"])
        prompts.texts.finish()
        pairs = prompts.find_pairs(np.arange(len(prompts.splits)))
    splits = np.frombuffer(bytes(prompts.splits), np.uint8)
    twins = Twins(reach_splits(splits, pairs), pairs)
    return (
        name_leaks(path, numbers, twins) if (leave_out_twins(splits, twins.reached) != splits).any() else []
    )


def name_leaks(path: Path, numbers: Sequence[int], twins: Twins) -> list[Leak]:
    """Reads the files once more for what stands in a leak. `numbers`: of the texts, by line."""
    near = twins.list_near()
    leaking: list[tuple[int, str, dict[str, Any]]] = []
    holders: dict[tuple[int, str], dict[str, Any]] = {}  # the first record with a text in a split
    for number, (name, record) in zip(numbers, iterate_dataset(path), strict=True):
        named = {key: record[key] for key in ("split", "source", "id")}
        holders.setdefault((number, record["split"]), named)
        if twins.holds_out(number, record["split"]):
            leaking.append((number, name, named))
    found: list[Leak] = []
    for number, name, record in leaking:
        twin = next(
            holders[other, split]
            for split in reversed(SPLITS)
            if HELD_OUT[record["split"]] & 1 << SPLITS.index(split)
            for other in [number, *near.get(number, ())]
            if (other, split) in holders
        )
        of_twin = {f"twin_{key}": value for key, value in twin.items()}
        found.append(Leak(format=name, **record, **of_twin))
    return found


def iterate_dataset(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every line of a dataset with the format of its file. Raises DatasetMissing."""
    for name, file in list_dataset_files(path).items():
        if not file.is_file():
            raise DatasetMissing(path)
        for record in read_jsonl(file):
            yield name, record
