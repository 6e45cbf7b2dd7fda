"""Tells which records a dataset holds without reading its files again, from an index `members.idx` beside
them.

    one line of JSON        how many records of each form, by source, language, tag and split
    one line a record       a hash over form, source and id, and a digit for the split; sorted; all
                            lines have the same length

The index of 38,000 choices has 1.3 MB and is searched in about a millisecond; reading the files takes
seconds. It is written with the dataset, and at the first question for a dataset of an earlier version. It
holds no text and no id.
"""

import hashlib
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedback.datasets.layout import SPLITS, dataset_file
from serving.files import write_atomically

INDEX = "members.idx"
KEY = 32  # hex digits
LINE = KEY + 2  # the split, the end of the line
ANY_SOURCE = "*"
BY = ("source", "language", "tag", "split")


@dataclass(frozen=True)
class Member:
    """One record that a dataset holds. `form` is choice, pair (imported as a pair) or thumb."""

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
    """The index of a dataset. `counts` maps a form to its number of records; `by` maps source, language, tag
    or split to a number for each value. A record with several tags counts under each.
    """

    counts: Mapping[str, int]
    by: Mapping[str, Mapping[str, int]]
    lines: bytes

    def find(self, form: str, source: str, id: str) -> str | None:
        """The split that holds the record; None if the dataset does not hold it."""
        for named in (source, ANY_SOURCE):
            key = hash_member(form, named, id)
            at = bisect_left(range(len(self.lines) // LINE), key, key=self._key_at)
            if at * LINE < len(self.lines) and self._key_at(at) == key:
                return SPLITS[int(self.lines[at * LINE + KEY : at * LINE + KEY + 1])]
        return None

    def _key_at(self, place: int) -> bytes:
        return self.lines[place * LINE : place * LINE + KEY]


def hash_member(form: str, source: str, id: str) -> bytes:
    return hashlib.sha256("\0".join((form, source, id)).encode()).hexdigest()[:KEY].encode()


def read_members(directory: Path) -> Members | None:
    """Reads the index of a dataset's directory; None if the dataset's files are gone, for example after an
    erasure.
    """
    path = directory / INDEX
    if not path.is_file():
        if not dataset_file(directory, "choices").is_file():
            return None
        packed = pack_members(directory)
        with suppress(OSError):  # a disk that is full or not ours: then the next question reads again
            write_atomically(path, packed)
    else:
        packed = path.read_bytes()
    head, _, lines = packed.partition(b"\n")
    told = json.loads(head)
    return Members(told["counts"], told["by"], lines)


def write_members(directory: Path) -> None:
    """Writes the index of a dataset whose files are complete."""
    write_atomically(directory / INDEX, pack_members(directory))


def pack_members(directory: Path) -> bytes:
    counts: Counter[str] = Counter()
    by: dict[str, Counter[str]] = {name: Counter() for name in BY}
    lines: set[bytes] = set()
    for member in iterate_members(directory):
        counts[member.form] += 1
        by["source"][member.source] += 1
        by["language"][member.language or ""] += 1
        by["tag"].update(member.tags or ("",))
        by["split"][member.split] += 1
        for source, id in member.keys():
            lines.add(hash_member(member.form, source, id) + b"%d\n" % SPLITS.index(member.split))
    head = {"counts": counts, "by": by}
    return json.dumps(head, ensure_ascii=False, sort_keys=True).encode() + b"\n" + b"".join(sorted(lines))


def iterate_members(directory: Path) -> Iterator[Member]:
    """Yields every record that was put in, in the order of the files, without the pairs derived from
    choices.
    """
    for record in _iterate(dataset_file(directory, "choices")):
        yield _make("choice", record, record["id"])
    for record in _iterate(dataset_file(directory, "pairs"), having=(b'"pair"', b'"thumbs"')):
        if record.get("kind") == "pair":
            yield _make("pair", record, record["id"])
        elif record.get("kind") == "thumbs":
            for is_other in (False, True):
                yield _make("thumb", record, record["id"], couple="down" if is_other else "up")
    for record in _iterate(dataset_file(directory, "thumbs")):
        yield _make("thumb", record, record["id"])


def _make(form: str, record: Mapping[str, Any], id: str, couple: str | None = None) -> Member:
    return Member(
        form=form,
        source=str(record.get("source") or "live"),
        id=id,
        split=record["split"],
        language=record.get("language"),
        tags=tuple(record.get("tags") or ()),
        couple=couple,
    )


def _iterate(path: Path, having: tuple[bytes, ...] = ()) -> Iterator[dict[str, Any]]:
    """Yields the lines of a file as objects; with `having`, only lines that contain one of these words, and
    the others are not parsed.
    """
    with path.open("rb") as lines:
        for line in lines:
            if not having or any(word in line for word in having):
                yield json.loads(line)
