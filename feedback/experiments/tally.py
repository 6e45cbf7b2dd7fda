"""Wins, losses and ties: the one count behind the support rate, two versions, duels and breakdowns. Pure."""

from dataclasses import dataclass
from typing import Any

from feedback.experiments import sequential_tests


@dataclass(frozen=True)
class Tally:
    """A tie is half to each side in the rate that is shown, and nothing to the evidence."""

    won: int = 0
    lost: int = 0
    tied: int = 0

    @property
    def decided(self) -> int:
        """What is behind the evidence."""
        return self.won + self.lost

    @property
    def counted(self) -> int:
        """What is behind the rate that is shown."""
        return self.decided + self.tied

    @property
    def halved(self) -> float:
        """Wins, with half of the ties."""
        return self.won + self.tied / 2

    @property
    def rate(self) -> float | None:
        return self.halved / self.counted if self.counted else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's at 95 %."""
        return sequential_tests.wilson_interval(self.halved, self.counted)

    @property
    def band(self) -> str | None:
        return sequential_tests.find_band(self.halved, self.counted)

    @property
    def e_better(self) -> float:
        return sequential_tests.e_better(self.won, self.decided)

    @property
    def e_harm(self) -> float:
        return sequential_tests.e_harm(self.won, self.decided)

    def to_json(self, *, won: str = "won", lost: str = "lost", tied: str = "tied") -> dict[str, Any]:
        """What every page and answer shows of it; the three counts under these names."""
        low, high = self.interval
        return {
            "rate": self.rate,
            "low": low,
            "high": high,
            "band": self.band,
            "counted": self.counted,
            won: self.won,
            lost: self.lost,
            tied: self.tied,
        }
