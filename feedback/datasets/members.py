"""Tells which records a dataset holds without reading its files again, from an index `members.idx` beside
them.

    one line of JSON        how many records of each form, and by source, language and tag in each split; the
                            lists of tags that occur
    one line a record       a hash over form, source and id, a digit for the split, and which of the lists of
                            tags the record has; sorted; all lines have the same length

The index of 38,000 choices has 1.5 MB and is searched in about a millisecond; reading the files takes
seconds. It is written with the dataset, and at the first question for a dataset of an earlier version. It
holds no id and, beside the tags of its first line, no text. The hashes outlive an erasure of the dataset.
"""

import hashlib
import json
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedback.datasets.layout import SPLITS, TEXTS, dataset_file, list_dataset_files
from serving.files import write_atomically

INDEX = "members.idx"
KEY = 32  # hex digits
TAGGED = 6  # hex digits of the number of a list of tags
WIDTH = KEY + 1 + TAGGED + 1  # the split, the tags, the end of the line
FIRST_WIDTH = KEY + 2  # of an index that does not tell tags: an erased dataset of an earlier version keeps it
ANY_SOURCE = "*"
BY = ("source", "language", "tag")
SplitCounts = Mapping[str, Mapping[str, int]]  # of each value, the records in each split


@dataclass(frozen=True)
class Member:
    """One record that a dataset holds. `form` is choice, pair (imported as a pair), thumb or text."""

    form: str
    source: str
    id: str
    split: str
    language: str | None = None
    tags: tuple[str, ...] = ()
    couple: str | None = None  # up or down: one of two thumbs that became a pair, whose id is `up/down`

    def keys(self) -> list[tuple[str, str]]:
        """The (source, id) names under which the record may be looked up. A pair of thumbs names only the
        source of its up, and if an id contains slashes, each slash may be the one that separates the two
        ids.
        """
        if self.couple is None:
            return [(self.source, self.id)]
        cuts = [place for place, sign in enumerate(self.id) if sign == "/"]
        if self.couple == "up":
            return [(self.source, self.id[:cut]) for cut in cuts]
        return [(ANY_SOURCE, self.id[cut + 1 :]) for cut in cuts]


@dataclass(frozen=True)
class Members:
    """The index of a dataset. `counts` maps a form to its number of records; `splits` maps source, language
    or tag to the records of each value in each split. A record with several tags counts under each, one
    without tags under an empty one. `tag_lists` are the lists of tags that lines name by number.
    """

    counts: Mapping[str, int]
    splits: Mapping[str, SplitCounts]
    lines: bytes
    tag_lists: Sequence[Sequence[str]] = ()
    width: int = WIDTH

    @property
    def size(self) -> int:
        return len(self.lines) // self.width

    @property
    def by(self) -> dict[str, dict[str, int]]:
        """The records by source, language, tag and split."""
        totals = {
            name: {value: sum(count.values()) for value, count in found.items()}
            for name, found in self.splits.items()
        }
        if not totals:
            return {}
        split: Counter[str] = Counter()
        for count in self.splits["source"].values():
            split.update(count)
        return totals | {"split": dict(split)}

    def find(self, form: str, source: str, id: str) -> str | None:
        """The split that holds the record; None if the dataset does not hold it."""
        for named in (source, ANY_SOURCE):
            key = hash_member(form, named, id)
            at = bisect_left(range(self.size), key, key=self._key_at)
            if at < self.size and self._key_at(at) == key:
                start = at * self.width + KEY
                return SPLITS[int(self.lines[start : start + 1])]
        return None

    def holds(self, member: Member) -> str | None:
        """The split that holds this record of another dataset; None if this one does not hold it."""
        found = (self.find(member.form, source, id) for source, id in member.keys())
        return next((split for split in found if split is not None), None)

    def _key_at(self, place: int) -> bytes:
        return self.lines[place * self.width : place * self.width + KEY]


def hash_member(form: str, source: str, id: str) -> bytes:
    return hashlib.sha256("\0".join((form, source, id)).encode()).hexdigest()[:KEY].encode()


def read_members(directory: Path) -> Members | None:
    """Reads the index of a dataset's directory; None if there is none and the dataset's files are gone."""
    path = directory / INDEX
    held = _unpack(path.read_bytes()) if path.is_file() else None
    if held is not None and held.width == WIDTH:
        return held
    if not dataset_file(directory, "choices").is_file():
        return held
    packed = pack_members(directory)
    with suppress(OSError):  # a disk that is full or not ours: then the next question reads again
        write_atomically(path, packed)
    return _unpack(packed)


def write_members(directory: Path) -> Members:
    """Writes the index of a dataset whose files are complete, and returns it."""
    packed = pack_members(directory)
    write_atomically(directory / INDEX, packed)
    return _unpack(packed)


def seal_members(directory: Path) -> None:
    """Empties the counts by source, language and tag, and the lists of tags, since tags are the app's words.
    The hashes stay: a later erasure has to know whether the dataset held its customer as well.
    """
    held = read_members(directory)
    if held is not None:
        head: dict[str, Any] = {"counts": held.counts, "splits": {}} | (
            {"tag_lists": []} if held.width == WIDTH else {}
        )
        write_atomically(directory / INDEX, _pack(head, held.lines))


def pack_members(directory: Path) -> bytes:
    counts: Counter[str] = Counter()
    splits: dict[str, dict[str, Counter[str]]] = {name: defaultdict(Counter) for name in BY}
    tag_lists: dict[tuple[str, ...], int] = {}
    lines: dict[bytes, bytes] = {}
    for member in iterate_members(directory):
        counts[member.form] += 1
        splits["source"][member.source][member.split] += 1
        splits["language"][member.language or ""][member.split] += 1
        for tag in member.tags or ("",):
            splits["tag"][tag][member.split] += 1
        tagged = tag_lists.setdefault(member.tags, len(tag_lists))
        rest = b"%d%0*x\n" % (SPLITS.index(member.split), TAGGED, tagged)
        for source, id in member.keys():
            lines[hash_member(member.form, source, id)] = rest
    head = {"counts": counts, "splits": splits, "tag_lists": list(tag_lists)}
    return _pack(head, b"".join(key + lines[key] for key in sorted(lines)))


def _unpack(packed: bytes) -> Members:
    head, _, lines = packed.partition(b"\n")
    told = json.loads(head)
    width = WIDTH if "tag_lists" in told else FIRST_WIDTH
    return Members(told["counts"], told.get("splits", {}), lines, told.get("tag_lists", ()), width)


def _pack(head: Mapping[str, Any], lines: bytes) -> bytes:
    return json.dumps(head, ensure_ascii=False, sort_keys=True).encode() + b"\n" + lines


def iterate_members(directory: Path) -> Iterator[Member]:
    """Yields every record that was put in, in the order of the files, without derived pairs."""
    for record in _iterate(dataset_file(directory, "choices")):
        yield _make("choice", record)
    for record in _iterate(dataset_file(directory, "pairs"), having=(b'"pair"', b'"thumbs"')):
        if record.get("kind") == "pair":
            yield _make("pair", record)
        elif record.get("kind") == "thumbs":
            yield _make("thumb", record, couple="up")
            yield _make("thumb", record, couple="down")
    for record in _iterate(dataset_file(directory, "thumbs")):
        yield _make("thumb", record)
    if TEXTS in list_dataset_files(directory):
        for record in _iterate(dataset_file(directory, TEXTS)):
            yield _make("text", record)


def _make(form: str, record: Mapping[str, Any], couple: str | None = None) -> Member:
    source, tags = str(record.get("source") or "live"), tuple(record.get("tags") or ())
    return Member(form, source, record["id"], record["split"], record.get("language"), tags, couple)


def _iterate(path: Path, having: tuple[bytes, ...] = ()) -> Iterator[dict[str, Any]]:
    """Yields the lines of a file as objects; with `having`, only those that contain one of these words."""
    with path.open("rb") as lines:
        for line in lines:
            if not having or any(word in line for word in having):
                yield json.loads(line)
