"""Writing a dataset's directory, which appears whole or not at all: a locked work place beside its target.

A killed build leaves its work place behind; the next one sweeps away those whose lock nobody holds. Knows no
record form.
"""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from feedback.canonical import canonical_json
from serving.files import move_directory, sync_file

PREFIX = ".building-"
LOCK = "lock"


class JsonLines:
    """A file of canonical JSON lines that knows its sha256."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("wb")
        self._digest = hashlib.sha256()

    def add(self, record: dict[str, Any]) -> None:
        line = canonical_json(record).encode() + b"\n"
        self._file.write(line)
        self._digest.update(line)

    def abandon(self) -> None:
        """Let go of a file that nobody will read; after `close` nothing is left to do."""
        self._file.close()

    def close(self) -> str:
        """On the disk for good; the hex digest of the content."""
        if not self._file.closed:
            sync_file(self._file)
            self._file.close()
        return self._digest.hexdigest()

    def rewrite(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Every line changed; for what is known only when all lines are there."""
        self.close()
        fresh = JsonLines(self.path.with_suffix(".rewritten"))
        for record in read_jsonl(self.path):
            fresh.add(change(record))
        fresh.close()
        fresh.path.replace(self.path)
        self._digest = fresh._digest


class Workplace:
    """A directory of our own, locked while the process lives."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = (path / LOCK).open("wb")
        fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._made: list[JsonLines] = []

    def create(self, name: str) -> JsonLines:
        self._made.append(JsonLines(self.path / name))
        return self._made[-1]

    def abandon_files(self) -> None:
        for file in self._made:
            file.abandon()

    def move_to(self, target: Path) -> bool:
        """Whether the target is new; one that stands stays as it is, and this work place goes away."""
        (self.path / LOCK).unlink()
        return move_directory(self.path, target)


@contextmanager
def open_workplace(parent: Path) -> Iterator[Workplace]:
    """A work place beside its future siblings; what was not moved away is removed at the end."""
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f"{PREFIX}*"):
        remove_if_left(left)
    path = parent / f"{PREFIX}{uuid4().hex}"
    path.mkdir()
    place = Workplace(path)
    try:
        yield place
    finally:
        place.abandon_files()  # an interrupted build leaves them open
        shutil.rmtree(place.path, ignore_errors=True)
        place.lock.close()


def remove_if_left(path: Path) -> None:
    """Only a dead process lets go of its lock. One without a lock file is being made or moved: leave it."""
    try:
        with (path / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
    except OSError:
        return


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
