"""Checks the files of a dataset: that they are those of its manifest, that no conversation is in two splits,
and that no record has a twin in a split held out from its own (twins.py).

It reads the directory alone, so that a copy can be checked where there is no store. Nothing is changed.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from feedback.canonical import canonical_hash, hash_text
from feedback.datasets.errors import DatasetMissing
from feedback.datasets.layout import DATASET_ID, FORMATS, dataset_file
from feedback.datasets.manifest import read_dataset_manifest
from feedback.datasets.twins import Leak, find_leaks, iterate_dataset

SHOWN = 10  # examples of each fault
CHUNK = 1 << 20


class Place(NamedTuple):
    """A file, a conversation or a record, and in which split it is."""

    name: str
    split: str = ""


Example = tuple[Place, ...]  # one file or name; a conversation in both splits; a record and its twin


@dataclass(frozen=True)
class DatasetFault:
    """What is wrong with a dataset: a code, what it is, how often, and the first examples."""

    code: str  # file_changed | wrong_id | two_splits | leak
    words: str
    count: int
    examples: tuple[Example, ...]

    def to_json(self) -> dict[str, Any]:
        examples = [[place._asdict() for place in example] for example in self.examples]
        return {"code": self.code, "words": self.words, "count": self.count, "examples": examples}


def check_dataset(directory: Path) -> list[DatasetFault]:
    """The faults of a dataset, none if it is sound. Raises DatasetMissing."""
    manifest = read_dataset_manifest(directory)
    found = [
        make_fault(
            "file_changed",
            "files with other content than their manifest says",
            list(find_changed_files(directory, manifest["files"])),
        ),
        make_fault(
            "wrong_id",
            "names that are not the hash of the files",
            list(find_wrong_ids(directory, manifest)),
        ),
        make_fault(
            "two_splits",
            "conversations in two splits",
            list(find_split_conversations(directory)),
        ),
        make_fault(
            "leak",
            "records with a twin in a split held out from theirs",
            [show_leak(leak) for leak in find_leaks(directory)],
        ),
    ]
    return [fault for fault in found if fault.count]


def show_leak(leak: Leak) -> Example:
    record = Place(f"{leak.format} {leak.source}/{leak.id}", leak.split)
    return record, Place(f"{leak.twin_source}/{leak.twin_id}", leak.twin_split)


def make_fault(code: str, words: str, found: Sequence[Example]) -> DatasetFault:
    return DatasetFault(code, words, len(found), tuple(found[:SHOWN]))


def find_changed_files(directory: Path, told: dict[str, str]) -> Iterator[Example]:
    for name in dict.fromkeys([*FORMATS, *told]):
        file = dataset_file(directory, name)
        if not file.is_file():
            raise DatasetMissing(directory)
        if f"sha256:{hash_file(file)}" != told.get(name):
            yield (Place(file.name),)


def hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def find_wrong_ids(directory: Path, manifest: dict[str, Any]) -> Iterator[Example]:
    """The manifest's id, unless it follows from the files, and the directory's name if it is another id."""
    hashes = {name: digest.removeprefix("sha256:") for name, digest in manifest["files"].items()}
    if canonical_hash({"form": manifest["form"], "files": hashes}) != manifest["id"]:
        yield (Place(str(manifest["id"])),)
    name = directory.resolve().name
    if DATASET_ID.match(name) and name != manifest["id"]:
        yield (Place(name),)


def find_split_conversations(directory: Path) -> Iterator[Example]:
    """Each conversation that is in two splits, once."""
    splits: dict[bytes, str | None] = {}  # None: it was said
    for _, record in iterate_dataset(directory):
        conversation = record.get("conversation") or record.get("group") or ""
        key = bytes.fromhex(hash_text(conversation)[:24])
        known = splits.setdefault(key, record["split"])
        if known is not None and known != record["split"]:
            splits[key] = None
            yield Place(conversation, known), Place(conversation, record["split"])
