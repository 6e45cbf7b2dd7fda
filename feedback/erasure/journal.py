"""The log of erasures, `erasures/log.jsonl` in the data directory: what a restored backup must lose again.

One line for each erasure, on the disk before its rows are: ids alone, no text. It outlives the store, since
deploy/backup.sh copies it and deploy/restore.sh puts the lines of all backups together.
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
    """`records` as `kind/source/identity`, which a restored store knows, too."""

    id: str
    desk_id: str
    kind: str
    at: str
    conversations: list[str]
    records: list[str]


def erasures_dir(data_dir: Path) -> Path:
    return data_dir / FOLDER


def log_erasure(data_dir: Path, erasure: LoggedErasure) -> None:
    """On the disk when this returns."""
    append_durably(erasures_dir(data_dir) / LOG, json.dumps(asdict(erasure)).encode() + b"\n")


def read_log(data_dir: Path) -> Iterator[LoggedErasure]:
    """Oldest first; a last line that a crash cut is of an erasure that never happened."""
    path = erasures_dir(data_dir) / LOG
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield LoggedErasure(**json.loads(line))
