"""Watches folders: a file that has not changed for a while is imported, then moved to `done/` or `failed/` in
its folder, beside a report in JSON.

Whatever a file holds, the watch goes on. A file stays where it is while somebody writes it, while the store
is busy, and if the watch ends in the middle of it: then the next watch imports it again, which adds the rest.
"""

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feedback.clock import Clock
from feedback.errors import ApiError
from feedback.formats.errors import ExchangeError, ImportStopped
from feedback.formats.report import ImportReport

log = logging.getLogger(__name__)

UNCHANGED_S = 5.0
LOOK_EVERY_S = 1.0
DONE, FAILED = "done", "failed"

Stamp = tuple[int, int, int]  # inode, size, time of the last change
Bring = Callable[[Path, str | None], ImportReport]


@dataclass(frozen=True)
class BroughtFile:
    """A file that was imported, or could not be, and where it lies now."""

    path: Path
    moved_to: Path
    report: ImportReport | None
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        told = self.report.to_json() if self.report else {}
        return {"file": self.path.name, **told, **({"error": self.error} if self.error else {})}


@dataclass
class FolderWatch:
    """`find_folders` gives the folders and the source of each, None where the records say it."""

    find_folders: Callable[[], Mapping[Path, str | None]]
    bring: Bring
    clock: Clock
    _seen: dict[Path, tuple[Stamp, float]] = field(default_factory=dict)
    _stuck: dict[Path, Stamp] = field(default_factory=dict)  # imported, but could not be moved

    def run(self, stopped: threading.Event, show: Callable[[BroughtFile], None]) -> None:
        """Looks every second until somebody sets `stopped`."""
        while not stopped.is_set():
            for brought in self.look():
                show(brought)
            stopped.wait(LOOK_EVERY_S)

    def look(self) -> Iterator[BroughtFile]:
        """Imports each file that has not changed since it was seen UNCHANGED_S ago."""
        for folder, source in self.find_folders().items():
            for path in list_files(folder):
                stamp = read_stamp(path)
                if stamp is None or self._stuck.get(path) == stamp:
                    continue
                if not self._is_settled(path, stamp):
                    continue
                try:
                    brought = self._take(path, source, stamp)
                except ImportStopped:
                    return
                if brought is not None:
                    yield brought

    def _is_settled(self, path: Path, stamp: Stamp) -> bool:
        """Whether a file lay unchanged for long enough. An empty one is taken to be one that begins."""
        now = self.clock.monotonic()
        known, since = self._seen.get(path, (None, now))
        if known != stamp:
            self._seen[path] = stamp, now
            return False
        return stamp[1] > 0 and now - since >= UNCHANGED_S

    def _take(self, path: Path, source: str | None, stamp: Stamp) -> BroughtFile | None:
        report, error = None, None
        try:
            report = self.bring(path, source)
        except ImportStopped:
            raise
        except ApiError as fault:  # the store is busy, or the source is paused: the file waits
            log.warning("%s waits: %s", path, fault)
            self._seen[path] = stamp, self.clock.monotonic()
            return None
        except (ExchangeError, OSError) as fault:
            error = str(fault)
        except Exception as fault:  # the edge of this file: the others are imported
            log.exception("%s could not be imported", path)
            error = f"{type(fault).__name__}: {fault}"
        if read_stamp(path) != stamp:
            return None  # it was written to meanwhile: once it is still, it comes in again
        self._seen.pop(path, None)
        good = report is not None and report.accepted + report.duplicates > 0
        return self._move(path, DONE if good else FAILED, report, error, stamp)

    def _move(
        self, path: Path, to: str, report: ImportReport | None, error: str | None, stamp: Stamp
    ) -> BroughtFile:
        folder = path.parent / to
        target = path
        try:
            folder.mkdir(exist_ok=True)
            target = find_free(folder, path.name)
            told = BroughtFile(path, target, report, error).to_json()
            beside = target.with_name(f"{target.name}.report.json")
            beside.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            os.replace(path, target)
        except OSError as fault:
            log.warning("%s could not be moved to %s: %s", path, folder, fault)
            self._stuck[path], target = stamp, path
        return BroughtFile(path, target, report, error)


def list_files(folder: Path) -> list[Path]:
    """The files of a folder itself, none that are hidden; none if it cannot be read."""
    try:
        found = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    except OSError as fault:
        log.warning("the folder %s cannot be read: %s", folder, fault)
        return []
    return [folder / name for name in found if not name.startswith(".")]


def read_stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def find_free(folder: Path, name: str) -> Path:
    """A path in the folder that no file has yet: `tickets.json`, then `2-tickets.json`."""
    number, path = 1, folder / name
    while path.exists():
        number += 1
        path = folder / f"{number}-{name}"
    return path
