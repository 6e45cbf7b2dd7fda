"""Wins, losses and ties: the one count behind the support rate, two versions, duels and breakdowns. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from feedback.experiments import sequential_tests


@dataclass(frozen=True)
class Tally:
    """Wins, losses and ties. A tie is half for each side in the shown rate, and no evidence."""

    won: int = 0
    lost: int = 0
    tied: int = 0

    @property
    def decided(self) -> int:
        """The number of picks that count as evidence: wins and losses."""
        return self.won + self.lost

    @property
    def counted(self) -> int:
        """The number of picks in the rate that is shown: wins, losses and ties."""
        return self.decided + self.tied

    @property
    def halved(self) -> float:
        """The wins plus half of the ties."""
        return self.won + self.tied / 2

    @property
    def rate(self) -> float | None:
        return self.halved / self.counted if self.counted else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the rate."""
        return sequential_tests.wilson_interval(self.halved, self.counted)

    @property
    def grade(self) -> str | None:
        return sequential_tests.find_grade(self.halved, self.counted)

    @property
    def e_better(self) -> float:
        return sequential_tests.e_better(self.won, self.decided)

    @property
    def e_harm(self) -> float:
        return sequential_tests.e_harm(self.won, self.decided)

    def to_json(self, *, won: str = "won", lost: str = "lost", tied: str = "tied") -> dict[str, Any]:
        """The tally as every page and answer shows it, with these names for the three counts."""
        low, high = self.interval
        return {
            "rate": self.rate,
            "low": low,
            "high": high,
            "band": self.grade,
            "counted": self.counted,
            won: self.won,
            lost: self.lost,
            tied: self.tied,
        }


def sum_tallies(tallies: Iterable[Tally]) -> Tally:
    """All of them as one."""
    found = [(one.won, one.lost, one.tied) for one in tallies]
    return Tally(*map(sum, zip(*found, strict=True)))
