"""Sifts the collected records before they are weighed: copies are refused, and twins of held-out prompts left
out.

Whether a record stays depends on all others, so that all wait in files until every one was read; memory holds
a few words for each.
"""

import heapq
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from feedback.augment.making import Augmenting
from feedback.datasets.atomic_dir import AtomicDir, JsonLines, read_jsonl
from feedback.datasets.children import Children
from feedback.datasets.collect import Collected
from feedback.datasets.duplicates_report import (
    ContradictionSide,
    DuplicatesReport,
    NamedRecord,
    list_copies,
    list_losing,
    list_twins,
)
from feedback.datasets.layout import ALL_FORMATS, FORMATS, SPLITS, TEXTS
from feedback.datasets.repeats import Repeats
from feedback.datasets.twins import PromptTexts, Twins, find_twins
from feedback.duplicates.copies import (
    Copies,
    Flags,
    Statements,
    find_copies,
    find_implied,
    find_opposed,
)
from feedback.records.from_judgement import OWN_SOURCES
from feedback.records.split import split_of
from feedback.records.weights import NearPrompts, WeightInput

# Of copies the one of the source with the first of these grades stays; None: it has no grade.
COPY_ORDER = ("A", "B", None, "C", "D")
LISTED = 200  # contradictions that are named; all are counted
NAMED = 5  # records of each side


class OpposedSide(NamedTuple):
    """One side of a contradiction: how many records, and the form and place of the first of them."""

    records: int
    first: list[tuple[str, int]]


class HeldRecords:
    """The records of one form while they wait."""

    def __init__(self, part: JsonLines) -> None:
        self.part = part
        self.inputs: list[WeightInput] = []
        self.prompts = array("q")  # numbers of their texts
        self.splits = bytearray()  # places in SPLITS
        self.statements = Statements()
        self.is_left: Flags = np.empty(0, np.bool_)


class Sifting:
    """Takes all collected records, then gives back those that stay. Call `close` at the end."""

    def __init__(
        self,
        place: AtomicDir,
        grades: Mapping[str, str | None],
        labelled: Collection[str] = (),
        augmenting: Augmenting | None = None,
    ) -> None:
        self.grades = grades  # by source
        self.repeats = Repeats(labelled)  # the conversations of which labels say something
        self.waiting = {name: HeldRecords(place.create(f"{name}.collected")) for name in ALL_FORMATS}
        self.texts = PromptTexts(place.path)
        self.children = Children(place, augmenting or Augmenting(), self.texts)
        self.twins: Twins | None = None
        self.read: Counter[str] = Counter()  # by source
        self.copies: Counter[tuple[str, str]] = Counter()  # by the source that kept its record and the other
        self.left_out: dict[str, Counter[tuple[str, str]]] = {"source": Counter(), "tag": Counter()}
        self.contradictions = 0
        self.opposed: list[list[OpposedSide]] = []
        self.wanted: set[tuple[str, int]] = set()  # the records of `opposed`, by form and place
        self.named: dict[tuple[str, int], NamedRecord] = {}

    def put(self, name: str, collected: Iterable[Collected]) -> Iterator[None]:
        """Takes records of one form, and yields after each."""
        waiting = self.waiting[name]
        for item in collected:
            conversation, source = item.weight_input.conversation, item.record["source"]
            waiting.prompts.append(self.texts.add(item.record["prompt"], conversation=conversation))
            waiting.splits.append(SPLITS.index(split_of(conversation)))
            told = {"source": source, "conversation": conversation, "is_own": source in OWN_SOURCES}
            self.repeats.note(name, len(waiting.statements), item)
            waiting.statements.add(item.statement, **told)
            waiting.inputs.append(replace(item.weight_input, grade=self.grades.get(source)))
            waiting.part.add({"record": item.record, "prompt_hash": item.prompt_hash})
            if name == "choices" and split_of(conversation) == "train":
                self.children.make(len(waiting.inputs) - 1, item.record, conversation)
            self.read[source] += 1
            yield

    def sift(self) -> None:
        """Finds copies, contradictions and twins, once all records are there."""
        for waiting in self.waiting.values():
            waiting.part.close()
            waiting.is_left = np.ones(len(waiting.inputs), np.bool_)
        self._refuse_copies()
        self._list_contradictions()
        for waiting in self.waiting.values():
            for place in np.flatnonzero(waiting.is_left).tolist():
                self.texts.mark(waiting.prompts[place], SPLITS[waiting.splits[place]])
        self.children.mark(self.waiting["choices"].is_left)
        self.twins = find_twins(self.texts)

    def _refuse_copies(self) -> None:
        choices, pairs, thumbs = (self.waiting[name] for name in FORMATS)
        ranks = {source: COPY_ORDER.index(grade) for source, grade in self.grades.items()}
        for waiting in (choices, pairs, thumbs, self.waiting[TEXTS]):
            if waiting is pairs:
                implied = find_implied(pairs.statements, choices.statements, choices.is_left)
                self._refuse(pairs, implied)
            self._refuse(waiting, find_copies(waiting.statements, ranks, waiting.is_left))
        left = {name: waiting.is_left for name, waiting in self.waiting.items()}
        for outcome, kept in list(self.repeats.find(left)):
            left[outcome.form][outcome.place] = False
            self.copies[kept.source, outcome.source] += 1

    def _refuse(self, waiting: HeldRecords, copies: Copies) -> None:
        waiting.is_left &= ~copies.is_copy
        self.copies += copies.by_sources

    def _list_contradictions(self) -> None:
        held = [self.waiting[name] for name in FORMATS]
        largest: list[tuple[int, int, list[OpposedSide]]] = []
        for group in find_opposed([one.statements for one in held], [one.is_left for one in held]):
            self.contradictions += 1
            sides = []
            for side in (True, False):
                said = [(FORMATS[number], place) for number, place, is_first in group if is_first == side]
                sides.append(OpposedSide(len(said), said[:NAMED]))
            heapq.heappush(largest, (len(group), -self.contradictions, sides))
            if len(largest) > LISTED:
                heapq.heappop(largest)
        self.opposed = [sides for _, _, sides in sorted(largest, reverse=True)]
        self.wanted = {named for sides in self.opposed for side in sides for named in side.first}

    def iterate(self, name: str) -> Iterator[tuple[dict[str, Any], WeightInput, str]]:
        """The records that stay, with their split, what their weight depends on and their prompt's hash;
        behind the choices their children. What is left out is counted on the way: once each form was read,
        the findings are complete.
        """
        waiting = self.waiting[name]
        for place, line in enumerate(read_jsonl(waiting.part.path)):
            if not waiting.is_left[place]:
                continue
            record, split = line["record"], SPLITS[waiting.splits[place]]
            if (name, place) in self.wanted:
                form, source = name.removesuffix("s"), record["source"]
                self.named[name, place] = NamedRecord(form=form, source=source, id=record["id"])
            if self._has_twin(waiting, place):
                self.left_out["source"][record["source"], split] += 1
                self.left_out["tag"].update((tag, split) for tag in record.get("tags") or ("",))
            else:
                yield record | {"split": split}, waiting.inputs[place], line["prompt_hash"]
        waiting.part.path.unlink()
        if name == "choices":
            inputs = self.children.list_inputs(waiting.inputs)
            yield from (
                (child, found, "") for child, found in zip(self.children.iterate(), inputs, strict=True)
            )

    def _has_twin(self, waiting: HeldRecords, place: int) -> bool:
        assert self.twins is not None
        return self.twins.holds_out(waiting.prompts[place], SPLITS[waiting.splits[place]])

    def list_inputs(self, name: str) -> tuple[list[WeightInput], NearPrompts]:
        """What the weights of the records that stay depend on, in order."""
        assert self.twins is not None
        waiting = self.waiting[name]
        places = [
            place for place in np.flatnonzero(waiting.is_left).tolist() if not self._has_twin(waiting, place)
        ]
        numbers = [waiting.prompts[place] for place in places]
        inputs, near = [waiting.inputs[place] for place in places], self.twins.list_near()
        if name == "choices":
            self.children.settle(places, near)
            numbers += self.children.list_prompts()
            inputs += self.children.list_inputs(waiting.inputs)
        return inputs, NearPrompts(numbers, near)

    def count_refused(self) -> Counter[str]:
        """The records that were left out, by reason; complete after everything was iterated."""
        counted = {"copy": self.copies.total(), "twin_held_out": self.left_out["source"].total()}
        return self.children.refusals + Counter(counted)

    def report(self) -> DuplicatesReport:
        """All that was found; complete after everything was iterated."""
        copies = list_copies(self.copies)
        return DuplicatesReport(
            read=dict(sorted(self.read.items())),
            copies=copies,
            twins_by_source=list_twins(self.left_out["source"]),
            twins_by_tag=list_twins(self.left_out["tag"]),
            losing=list_losing(self.read, copies),
            contradictions=self.contradictions,
            listed=[(self._name_side(one), self._name_side(other)) for one, other in self.opposed],
        )

    def _name_side(self, side: OpposedSide) -> ContradictionSide:
        records = [self.named[form, place] for form, place in side.first]
        return ContradictionSide(count=side.records, records=records)

    def close(self) -> None:
        self.texts.close()
