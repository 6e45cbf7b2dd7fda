"""A part of a dataset: the lines of its train split that are left out. What is held out is whole.

A folder with this file is read like the dataset that it names. It holds numbers of lines and no text, so that
nothing of a person lies in it.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from serving.files import write_atomically

FILE = "part.json"


@dataclass(frozen=True)
class DatasetPart:
    """`left_out`: by format, the numbers of the lines, from 0; `reasons`: how many records, by code."""

    dataset: Path
    left_out: Mapping[str, Collection[int]]
    reasons: Counter[str]


def write_dataset_part(folder: Path, part: DatasetPart) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    left_out = {name: sorted(lines) for name, lines in part.left_out.items()}
    told = {"dataset": str(part.dataset.resolve()), "left_out": left_out, "reasons": dict(part.reasons)}
    write_atomically(folder / FILE, json.dumps(told).encode())


def read_dataset_part(folder: Path) -> DatasetPart | None:
    """The part that a folder holds; None if it holds none."""
    if not (folder / FILE).is_file():
        return None
    told = json.loads((folder / FILE).read_text(encoding="utf-8"))
    left_out = {name: frozenset(lines) for name, lines in told["left_out"].items()}
    return DatasetPart(Path(told["dataset"]), left_out, Counter(told["reasons"]))
