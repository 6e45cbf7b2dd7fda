"""What a morning is judged by besides the store: the entry point hands it in."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from feedback.deployment.policy import Policy


class HasTimetable(Protocol):
    """What is needed of `trainer.timetable.Timetable`."""

    def find_last(self, moment: datetime) -> datetime | None:
        """The newest due time at or before this moment."""
        ...


@dataclass(frozen=True)
class Outlook:
    """Below `min_new_choices` new choices a night is skipped; without a timetable none is missed."""

    policy: Policy
    data_dir: Path
    min_new_choices: int
    timetable: HasTimetable | None
