"""The held-out picks that a run's adapter did not predict, kept in a file of the run for people to look at.

A line names a record of the dataset and holds no text. Erasure removes the file together with the dataset
of its picks, since the ids of records are an app's words.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from serving.files import write_atomically

FILE = "missed.jsonl"


@dataclass(frozen=True)
class Missed:
    """A record of a dataset. `nats`: -log of the probability that the adapter gave to what was picked;
    `preferred`: the slot of the reply that it ranked first.
    """

    form: str
    source: str
    id: str
    nats: float
    preferred: int


def write_missed(run_dir: Path, missed: Iterable[Missed]) -> None:
    """Writes the file, worst first; an empty one says that all picks were predicted."""
    rows = sorted(missed, key=lambda each: (-each.nats, each.source, each.id))
    lines = "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows)
    write_atomically(run_dir / FILE, lines.encode(), mode=0o600)


def has_missed(data_dir: Path, run_id: str) -> bool:
    return (data_dir / "runs" / run_id / FILE).is_file()


def read_missed(data_dir: Path, run_id: str) -> list[Missed] | None:
    """The picks, worst first. None if the run measured none, they were erased, or the run's files are on
    another machine.
    """
    try:
        text = (data_dir / "runs" / run_id / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    # Lines end with a line feed alone: an id may hold U+2028, at which `splitlines` would break it.
    return [Missed(**json.loads(line)) for line in text.split("\n") if line]
