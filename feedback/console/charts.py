"""Numbers to coordinates: curves of a run and intervals of a rate, for the templates to draw as SVG.

Knows no colours and no words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 480.0, 132.0
LEFT = 48.0  # room for the numbers of the scale
MARGIN = 6.0  # room for the stroke at the edges
MAX_POINTS = 400  # more would be finer than a pixel


@dataclass(frozen=True)
class Curve:
    """A polyline in a box of WIDTH x HEIGHT, with the values at its corners."""

    name: str
    points: str
    last_x: float
    last_y: float
    first_step: int
    last_step: int
    low: float
    high: float
    last: float
    left: float = LEFT
    width: float = WIDTH
    height: float = HEIGHT


@dataclass(frozen=True)
class Interval:
    """A rate with its interval on a scale from 0 to 100."""

    low: float
    rate: float
    high: float

    @property
    def whole(self) -> float:
        return max(self.high - self.low, 0.5)


def draw_curve(name: str, values: Sequence[tuple[int, float]]) -> Curve | None:
    """None without a finite value. Long curves are thinned; the last point always stays."""
    finite = [(step, value) for step, value in values if abs(value) != float("inf") and value == value]
    if not finite:
        return None
    stride = -(-len(finite) // MAX_POINTS)
    kept = finite[::-1][::stride][::-1]
    steps, numbers = [step for step, _ in kept], [value for _, value in kept]
    low, high = min(numbers), max(numbers)
    places = [
        (
            _scale(step, steps[0], steps[-1], LEFT + MARGIN, WIDTH - MARGIN),
            _scale(value, low, high, HEIGHT - MARGIN, MARGIN),
        )
        for step, value in kept
    ]
    return Curve(
        name=name,
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places),
        last_x=round(places[-1][0], 1),
        last_y=round(places[-1][1], 1),
        first_step=steps[0],
        last_step=steps[-1],
        low=low,
        high=high,
        last=numbers[-1],
    )


def _scale(value: float, low: float, high: float, start: float, end: float) -> float:
    """A single value stands in the middle."""
    return (start + end) / 2 if high == low else start + (value - low) / (high - low) * (end - start)


def draw_interval(rate: float, low: float, high: float) -> Interval:
    return Interval(round(100 * low, 1), round(100 * rate, 1), round(100 * high, 1))
