"""The made records of a build (feedback/augment/): children of choices of train, made as these are read, and
kept where their parent stays and no other conversation has a prompt like theirs.

A child is in the split of its parent, counts by it, and goes with it. What keeps one out is counted by name,
of parents that stay.
"""

from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from feedback.augment.guards import TWIN
from feedback.augment.making import Augmenting
from feedback.datasets.atomic_dir import AtomicDir, JsonLines, read_jsonl
from feedback.datasets.twins import NO_TEXT, SEVERAL, PromptTexts
from feedback.duplicates.copies import Flags
from feedback.records.rejections import Refusal
from feedback.records.weights import WeightInput


class Children:
    """The children that wait in a file. Memory holds two numbers for each."""

    def __init__(self, place: AtomicDir, augmenting: Augmenting, texts: PromptTexts) -> None:
        self.augmenting = augmenting
        self.texts = texts
        self.part: JsonLines | None = place.create("made.collected") if augmenting.operations else None
        self.parents = array("q")  # their places among the choices
        self.prompts = array("q")  # numbers of their texts
        self.unmade: list[tuple[int, str]] = []  # the place of a parent, and why it has no child
        self.kept: list[int] = []
        self.refusals: Counter[str] = Counter()

    def make(self, place: int, record: Mapping[str, Any], conversation: str) -> None:
        """Makes the children of the choice at this place."""
        if self.part is None:
            return
        for _, found in self.augmenting.make_children(record):
            if isinstance(found, Refusal):
                self.unmade.append((place, found.reason))
                continue
            self.part.add(found)
            self.parents.append(place)
            self.prompts.append(self.texts.add(found["prompt"], conversation=conversation))

    def mark(self, is_left: Flags) -> None:
        """Lets the texts of children take part in the search for twins. `is_left`: of the choices."""
        for parent, number in zip(self.parents, self.prompts, strict=True):
            if is_left[parent]:
                self.texts.mark(number, "train")

    def settle(self, stays: Collection[int], near: Mapping[int, Sequence[int]]) -> None:
        """Finds out which children stay. `stays`: places of choices; `near`: by number of a text, those that
        are like it.
        """
        parents = set(stays)
        self.refusals.update(reason for place, reason in self.unmade if place in parents)
        for child, (parent, number) in enumerate(zip(self.parents, self.prompts, strict=True)):
            if parent not in parents:
                continue
            if number != NO_TEXT and (number in near or self.texts.conversations[number] == SEVERAL):
                self.refusals[TWIN] += 1
            else:
                self.kept.append(child)

    def list_inputs(self, choices: Sequence[WeightInput]) -> list[WeightInput]:
        """What the weights of the kept children depend on."""
        siblings = Counter(self.parents[child] for child in self.kept)
        parents = (self.parents[child] for child in self.kept)
        return [replace(choices[parent], siblings=siblings[parent]) for parent in parents]

    def list_prompts(self) -> list[int]:
        return [self.prompts[child] for child in self.kept]

    def iterate(self) -> Iterator[dict[str, Any]]:
        """The kept children, in the order of their parents."""
        if self.part is None:
            return
        kept = set(self.kept)
        self.part.close()
        for child, record in enumerate(read_jsonl(self.part.path)):
            if child in kept:
                yield record | {"split": "train"}
        self.part.path.unlink()
