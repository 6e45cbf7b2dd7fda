"""Compares two datasets: which records came in and which left, by form, source, language, tag and split, with
examples.

The files are streamed; in memory are the two indexes of members (members.py) and a batch of records. Why a
record came or left is asked of a function (`movements.py` reads it from the store). A record is the same if
form, source and id are the same; whether its texts changed is not compared. Nothing is written.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from feedback.datasets.errors import DatasetMissing
from feedback.datasets.manifest import read_dataset_manifest
from feedback.datasets.members import Member, Members, iterate_members, read_members

BATCH = 200
SHOWN = 20  # examples of each side
COUNTED_BY = ("form", "source", "language", "tag", "split", "why")

Explain = Callable[[Sequence[Member]], Sequence[str]]  # a code of why for each record


@dataclass(frozen=True)
class Moved:
    """A record that came, left or changed its split. `source` and `id` are its names in the dataset."""

    form: str
    source: str
    id: str
    split: str
    tags: tuple[str, ...]
    why: str


@dataclass
class Movement:
    """The records that came, or those that left. `by` maps form, source, language, tag, split and the code of
    why to the number of records for each value.
    """

    total: int = 0
    by: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    examples: list[Moved] = field(default_factory=list)

    def add(self, member: Member, why: str) -> None:
        self.total += 1
        values = (member.form, member.source, member.language or "", None, member.split, why)
        for name, value in zip(COUNTED_BY, values, strict=True):
            self.by[name].update(member.tags or ("",) if value is None else (value,))
        if len(self.examples) < SHOWN:
            self.examples.append(Moved(member.form, member.source, member.id, member.split, member.tags, why))

    def to_json(self) -> dict[str, Any]:
        counts = {name: dict(self.by[name].most_common()) for name in COUNTED_BY}
        return {"total": self.total, "by": counts, "examples": [asdict(each) for each in self.examples]}


@dataclass(frozen=True)
class DatasetDifference:
    """What changed from one dataset to another. `resplit` are records that changed their split: none ever
    should. `refusals` maps each code whose count changed to both counts.
    """

    kept: int
    came: Movement
    left: Movement
    resplit: list[Moved]
    refusals: Mapping[str, tuple[int, int]]
    selections: tuple[Mapping[str, Any], Mapping[str, Any]]

    def to_json(self) -> dict[str, Any]:
        return {
            "kept": self.kept,
            "came": self.came.to_json(),
            "left": self.left.to_json(),
            "resplit": [asdict(each) for each in self.resplit],
            "refusals": {code: list(counts) for code, counts in self.refusals.items()},
            "selections": list(self.selections),
        }


def compare_datasets(old: Path, new: Path, *, why_came: Explain, why_left: Explain) -> DatasetDifference:
    """What changed between the datasets in two directories. Raises DatasetMissing."""
    before, after = find_index(old), find_index(new)
    came, left = Movement(), Movement()
    kept, resplit = 0, []
    for members in read_batches(new):
        fresh = []
        for member in members:
            split = before.holds(member)
            if split is None:
                fresh.append(member)
                continue
            kept += 1
            if split != member.split:
                moved = Moved(member.form, member.source, member.id, member.split, member.tags, split)
                resplit.append(moved)
        note_all(came, fresh, why_came)
    for members in read_batches(old):
        note_all(left, [member for member in members if after.holds(member) is None], why_left)
    manifests = read_dataset_manifest(old), read_dataset_manifest(new)
    return DatasetDifference(
        kept,
        came,
        left,
        resplit[:SHOWN],
        compare_refusals(*(manifest["refusals"] for manifest in manifests)),
        (manifests[0]["selection"], manifests[1]["selection"]),
    )


def read_batches(directory: Path) -> Iterator[list[Member]]:
    members = iterate_members(directory)
    while batch := list(islice(members, BATCH)):
        yield batch


def find_index(directory: Path) -> Members:
    """The index of a dataset whose files are there. Raises DatasetMissing."""
    members = read_members(directory)
    if members is None or not members.splits:
        raise DatasetMissing(directory)
    return members


def note_all(movement: Movement, members: Sequence[Member], explain: Explain) -> None:
    if members:
        for member, why in zip(members, explain(members), strict=True):
            movement.add(member, why)


def compare_refusals(old: Mapping[str, int], new: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    codes = sorted(set(old) | set(new))
    return {code: (old.get(code, 0), new.get(code, 0)) for code in codes if old.get(code) != new.get(code)}
