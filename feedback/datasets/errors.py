"""What keeps a dataset from being built or read.

DatasetError
  DatasetMissing       no dataset directory under that id
  NothingSelected      a selection that no choice, pair or thumb falls into
  DifficultyUnknown    a selection by difficulty before any run has stored what the base says
  JobStopped           a job in the background that is not to go on
"""

from collections.abc import Mapping
from pathlib import Path


class DatasetError(Exception):
    """Base class of the dataset errors, for the outermost handler of a process to catch."""


class DatasetMissing(DatasetError):
    """There is no dataset directory with this id."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"no dataset at {path}: build one with `rejoinder dataset build`, or name another id."
        )


class NothingSelected(DatasetError):
    """The selection contains no choice, pair or thumb."""

    def __init__(self, selection: Mapping[str, object], refusals: Mapping[str, int]) -> None:
        self.refusals = dict(refusals)
        counted = ", ".join(f"{count} {reason}" for reason, count in sorted(refusals.items())) or "nothing"
        asked = "; ".join(
            f"{name}: {', '.join(map(str, value)) if isinstance(value, list | tuple) else value}"
            for name, value in selection.items()
            if value
        )
        super().__init__(
            f"no choice, pair or thumb for {asked or 'all that is there'} (refused: {counted}): import "
            "records, judge some sets, or select less narrowly."
        )


class DifficultyUnknown(DatasetError):
    """Records were asked for by difficulty, and of none of them it is known."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"no difficulty is known of any record: {path} holds none. A run with objective `choice` and "
            "`reference: stored` notes it: `rejoinder train --now`, then build again."
        )


class JobStopped(DatasetError):
    """A job in the background was cancelled, or its process ends."""
