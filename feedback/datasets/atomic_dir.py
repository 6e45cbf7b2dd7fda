"""Writes a dataset's directory so that it appears whole or not at all, by way of a locked temporary directory
beside its target.

A build that was killed leaves its temporary directory behind; the next build removes every one whose lock no
process holds. This module knows no record form.
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
    """A file of canonical JSON lines that computes its sha256 while it is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("wb")
        self._digest = hashlib.sha256()

    def add(self, record: dict[str, Any]) -> None:
        line = canonical_json(record).encode() + b"\n"
        self._file.write(line)
        self._digest.update(line)

    def abandon(self) -> None:
        """Closes the file without finishing it, since nobody will read it. Does nothing after `close`."""
        self._file.close()

    def close(self) -> str:
        """Writes the file safely to the disk and returns the hex digest of its content."""
        if not self._file.closed:
            sync_file(self._file)
            self._file.close()
        return self._digest.hexdigest()

    def rewrite(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Applies `change` to every line, for values that are known only once all lines are written."""
        self.close()
        fresh = JsonLines(self.path.with_suffix(".rewritten"))
        for record in read_jsonl(self.path):
            fresh.add(change(record))
        fresh.close()
        fresh.path.replace(self.path)
        self._digest = fresh._digest


class AtomicDir:
    """A temporary directory that this process writes into and keeps locked while it lives."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = (path / LOCK).open("wb")
        fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.files: list[JsonLines] = []

    def create(self, name: str) -> JsonLines:
        self.files.append(JsonLines(self.path / name))
        return self.files[-1]

    def move_to(self, target: Path) -> bool:
        """Moves this directory to `target`, or removes it and returns False where `target` exists."""
        (self.path / LOCK).unlink()
        return move_directory(self.path, target)


@contextmanager
def open_atomic_dir(parent: Path) -> Iterator[AtomicDir]:
    """Opens a temporary directory inside `parent`. Unless it is moved away, it is removed at the end."""
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f"{PREFIX}*"):
        remove_if_left(left)
    path = parent / f"{PREFIX}{uuid4().hex}"
    path.mkdir()
    place = AtomicDir(path)
    try:
        yield place
    finally:
        for file in place.files:  # an interrupted build leaves them open
            file.abandon()
        shutil.rmtree(place.path, ignore_errors=True)
        place.lock.close()


def remove_if_left(path: Path) -> None:
    """Removes a temporary directory whose process has died, which its free lock shows. A directory without a
    lock file is just being made or moved, so it stays.
    """
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
