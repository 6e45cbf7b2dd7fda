"""The log of erasures, `erasures/log.jsonl` in the data directory: what a restored backup must lose again.

One line for each erasure, on the disk before its rows are: ids alone, no text. It outlives the store, since
deploy/backup.sh copies it and deploy/restore.sh puts the lines of all backups together.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = "erasures"
LOG = "log.jsonl"


@dataclass(frozen=True)
class Line:
    """`records` as `kind/source/identity`, which a restored store knows, too."""

    id: str
    desk_id: str
    kind: str
    at: str
    conversations: list[str]
    records: list[str]


def erasures_dir(data_dir: Path) -> Path:
    return data_dir / FOLDER


def note(data_dir: Path, line: Line) -> None:
    """Appended and on the disk when this returns."""
    folder = erasures_dir(data_dir)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
        file.write(json.dumps(asdict(line)).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_log(data_dir: Path) -> Iterator[Line]:
    """Oldest first; a last line that a crash cut is of an erasure that never happened."""
    path = erasures_dir(data_dir) / LOG
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield Line(**json.loads(line))
