"""A clock that moves only when told."""

from datetime import datetime, timedelta


class FrozenClock:
    """A clock that moves only when told, for tests and rehearsals."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._elapsed = 0.0

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self._elapsed += seconds
        self.step(seconds)

    def step(self, seconds: float) -> None:
        """Somebody sets the time; none passes."""
        self._at += timedelta(seconds=seconds)
