"""What the morning's sentence depends on besides the store; the entry point passes it in."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from feedback.deployment.policy import Policy
from feedback.store.new_records import Counted


class HasTimetable(Protocol):
    """The part of `trainer.timetable.Timetable` that is needed here."""

    def find_last(self, moment: datetime) -> datetime | None:
        """The last due time at or before this moment."""
        ...


@dataclass(frozen=True)
class Outlook:
    """A night with fewer than `min_new_choices` new choices is skipped, or as many of what else its recipe
    learns from. Without a timetable no night can be missed.
    """

    policy: Policy
    data_dir: Path
    min_new_choices: int
    timetable: HasTimetable | None
    learns_from: Counted = "choices"
