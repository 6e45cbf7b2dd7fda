"""A small file beside the data that says what serves. It is a copy: the deployment rows are the truth.

Somebody who has only the data directory can see what should be loaded; `feedback.deployment.deploy` writes it
after each row.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from serving.files import write_atomically

FILE_NAME = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    fence: int
    live: str | None
    canary: str | None
    share: float
    written_at: datetime
    missing: tuple[str, ...] = ()
    """Adapters that should serve but cannot be loaded; the base model answers instead."""


def write_manifest(data_dir: Path, manifest: Manifest) -> None:
    record = {**asdict(manifest), "written_at": manifest.written_at.isoformat()}
    write_atomically(data_dir / FILE_NAME, json.dumps(record, indent=2).encode() + b"\n")


def read_manifest(data_dir: Path) -> Manifest | None:
    """The manifest, or None if the file is missing or unreadable: it will be written again from the
    deployment rows.
    """
    try:
        record = json.loads((data_dir / FILE_NAME).read_text(encoding="utf-8"))
        return Manifest(
            fence=int(record["fence"]),
            live=record["live"],
            canary=record["canary"],
            share=float(record["share"]),
            written_at=datetime.fromisoformat(record["written_at"]),
            missing=tuple(record.get("missing", ())),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
