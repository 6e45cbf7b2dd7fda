"""What keeps a dataset from being built or read.

DatasetError
  DatasetMissing       no dataset directory under that id
  NothingSelected      a selection that no choice, pair or thumb falls into
"""

from collections.abc import Mapping
from pathlib import Path


class DatasetError(Exception):
    """Base class of the dataset errors, for the outermost handler of a process to catch."""


class DatasetMissing(DatasetError):
    """There is no dataset directory with this id."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"no dataset at {path}: build one with `rejoinder dataset build`, or name another id."
        )


class NothingSelected(DatasetError):
    """The selection contains no choice, pair or thumb."""

    def __init__(self, selection: Mapping[str, object], refusals: Mapping[str, int]) -> None:
        self.refusals = dict(refusals)
        counted = ", ".join(f"{count} {reason}" for reason, count in sorted(refusals.items())) or "nothing"
        super().__init__(
            f"no choice, pair or thumb for {dict(selection)} (refused: {counted}): import records, judge "
            "some sets, or select less narrowly."
        )
