"""Records of dry passes: that engine and trainer compute the same with an untrained adapter of a base.

One small file for each base, recipe, engine version and number format, so that a dry pass is made once for
them. Nothing is tried here: the trainer does it before its first step.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from serving.files import write_atomically

FOLDER = "trials"


@dataclass(frozen=True)
class TrialKey:
    """What a dry pass holds for."""

    base_id: str
    recipe: str
    """Digest of the recipe."""

    engine: str
    """Version of the engine; empty where engines elsewhere serve."""

    dtype: str
    """Number format that the engine serves in."""


@dataclass(frozen=True)
class TrialRecord:
    """A dry pass that succeeded: the largest difference of a token's log-probability in nats, and when."""

    key: TrialKey
    largest_difference: float
    at: str


def write_trial(data_dir: Path, record: TrialRecord) -> None:
    path = _path(data_dir, record.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(asdict(record), indent=2).encode() + b"\n")


def has_trial(data_dir: Path, key: TrialKey) -> bool:
    return _path(data_dir, key).is_file()


def find_trial(data_dir: Path, *, base_id: str, engine: str, dtype: str) -> TrialRecord | None:
    """The newest dry pass of a base on this engine, with whatever recipe; None if there was none."""
    found = [_read(path) for path in (data_dir / FOLDER).glob("*.json")]
    fitting = [
        record
        for record in found
        if (record.key.base_id, record.key.engine, record.key.dtype) == (base_id, engine, dtype)
    ]
    return max(fitting, key=lambda record: record.at, default=None)


def _path(data_dir: Path, key: TrialKey) -> Path:
    named = hashlib.sha256(json.dumps(asdict(key), sort_keys=True).encode()).hexdigest()
    return data_dir / FOLDER / f"{named[:32]}.json"


def _read(path: Path) -> TrialRecord:
    values = json.loads(path.read_text(encoding="utf-8"))
    return TrialRecord(TrialKey(**values["key"]), float(values["largest_difference"]), str(values["at"]))
