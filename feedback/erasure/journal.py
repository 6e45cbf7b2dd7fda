"""The log of erasures, `erasures/log.jsonl`: what must be erased again from a restored backup.

Each erasure adds one line, on disk before its rows are erased, with ids and no text. The log outlives the
store: deploy/backup.sh copies it, and deploy/restore.sh merges the lines of all backups.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from serving.files import append_durably

FOLDER = "erasures"
LOG = "log.jsonl"


@dataclass(frozen=True)
class LoggedErasure:
    """One line of the log. `records` are named `kind/source/identity`, which a restored store knows too."""

    id: str
    desk_id: str
    kind: str
    at: str
    conversations: list[str]
    records: list[str]


def erasures_dir(data_dir: Path) -> Path:
    return data_dir / FOLDER


def log_erasure(data_dir: Path, erasure: LoggedErasure) -> None:
    """Appends an erasure to the log; the line is safely on disk when this returns."""
    append_durably(erasures_dir(data_dir) / LOG, json.dumps(asdict(erasure)).encode() + b"\n")


def read_log(data_dir: Path) -> Iterator[LoggedErasure]:
    """The erasures in the log, oldest first. A line that a crash cut short never happened."""
    path = erasures_dir(data_dir) / LOG
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield LoggedErasure(**json.loads(line))
