"""Turns numbers into coordinates: axes, lines and intervals, which the templates draw as SVG.

It knows no colours and no words. The caller states the least span of an axis: an axis fitted to mere noise
would make it look like large changes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, isfinite, log10

WIDTH, HEIGHT = 420.0, 168.0
LEFT = 52.0  # room for the numbers of the scale
MARGIN = 8.0  # room for the stroke at the edges
MAX_POINTS = 400  # more would be finer than a pixel
TICKS = 4  # about the least number of intervals on a scale

Point = tuple[float, float]


@dataclass(frozen=True)
class Tick:
    """A grid line of an axis: its position and its label."""

    at: float
    words: str


@dataclass(frozen=True)
class ChartLine:
    """A line of points in a plot. `kind` is its CSS class and its entry in the legend."""

    kind: str
    points: str
    dots: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Whisker:
    """A value with its vertical interval (error bar), in coordinates: `low` is the lower end and has the
    higher y.
    """

    x: float
    low: float
    middle: float
    high: float
    kind: str = ""


@dataclass(frozen=True)
class ChartBlock:
    """A bar along x in one of the rows below the plot; `words` is empty if the label has no room."""

    x: float
    width: float
    row: int
    words: str


@dataclass(frozen=True)
class Plot:
    """All that is drawn in a box of `width` x `height`; the labels of x are below the box."""

    ticks: tuple[Tick, ...]
    along: tuple[Tick, ...]  # ticks of x
    lines: tuple[ChartLine, ...] = ()
    whiskers: tuple[Whisker, ...] = ()
    blocks: tuple[ChartBlock, ...] = ()
    bands: tuple[tuple[str, float, float], ...] = ()  # CSS class, y and height of each background band
    marks: tuple[float, ...] = ()  # y of reference lines
    is_of_things: bool = False  # x shows separate items, each in the middle of its place, instead of a scale
    left: float = LEFT
    width: float = WIDTH
    height: float = HEIGHT


@dataclass(frozen=True)
class Axes:
    """The numbers at the four edges of a plot, and its grid lines."""

    left: float
    right: float
    low: float
    high: float
    ticks: tuple[Tick, ...] = field(default=())

    def x(self, value: float) -> float:
        return round(_scale(value, self.left, self.right, LEFT + MARGIN, WIDTH - MARGIN), 1)

    def y(self, value: float) -> float:
        return round(_scale(value, self.low, self.high, HEIGHT - MARGIN, MARGIN), 1)

    def trace(self, kind: str, points: Sequence[Point], *, has_dots: bool = False) -> ChartLine:
        places = tuple((self.x(x), self.y(y)) for x, y in thin(points))
        return ChartLine(kind, " ".join(f"{x},{y}" for x, y in places), places if has_dots else places[-1:])


@dataclass(frozen=True)
class Interval:
    """A rate with its interval, in percent (0 to 100)."""

    low: float
    rate: float
    high: float

    @property
    def whole(self) -> float:
        return max(self.high - self.low, 0.5)


def set_up(
    xs: Iterable[float],
    ys: Iterable[float],
    *,
    least_span: float,
    bounds: tuple[float | None, float | None] = (None, None),
    is_share: bool = False,
) -> Axes:
    """Axes that contain these points. If y spans less than `least_span`, the axis is widened to it around the
    middle; y never goes beyond `bounds`.
    """
    along, up = sorted(xs), sorted(ys)
    low, high = widen_range(up[0], up[-1], least_span, bounds)
    step = round_up((high - low) / TICKS)
    low, high = floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step
    places = max(0, -floor(log10(step) + 1e-9))
    lines = [low + step * number for number in range(round((high - low) / step) + 1)]
    axes = Axes(along[0], along[-1], low, high)
    words = [f"{100 * line:.0f} %" if is_share else f"{line:.{places}f}" for line in lines]
    ticks = tuple(Tick(axes.y(line), each) for line, each in zip(lines, words, strict=True))
    return Axes(along[0], along[-1], low, high, ticks)


def widen_range(
    low: float, high: float, least_span: float, bounds: tuple[float | None, float | None]
) -> tuple[float, float]:
    """The range widened to at least `least_span`, around its middle unless a bound prevents that."""
    missing = max(0.0, least_span - (high - low)) / 2
    low, high = low - missing, high + missing
    floor_at, ceiling = bounds
    if floor_at is not None and low < floor_at:
        low, high = floor_at, max(high, floor_at + least_span)
    if ceiling is not None and high > ceiling:
        low, high = min(low, ceiling - least_span), ceiling
        low = low if floor_at is None else max(low, floor_at)
    return low, high


def round_up(step: float) -> float:
    """Rounds up to the next 1, 2, 5 or 10 times a power of ten."""
    power = 10.0 ** floor(log10(step))
    return next(power * each for each in (1, 2, 5, 10) if power * each >= step * (1 - 1e-9))


def keep_finite(points: Iterable[Point]) -> list[Point]:
    return [(x, y) for x, y in points if isfinite(y)]


def thin(points: Sequence[Point]) -> list[Point]:
    """Keeps at most MAX_POINTS points, evenly spaced; the last one is always kept."""
    stride = max(1, -(-len(points) // MAX_POINTS))
    return list(points)[::-1][::stride][::-1]


def _scale(value: float, low: float, high: float, start: float, end: float) -> float:
    """Maps a value from low..high to start..end; if low equals high, to the middle."""
    return (start + end) / 2 if high == low else start + (value - low) / (high - low) * (end - start)


def draw_interval(rate: float, low: float, high: float) -> Interval:
    return Interval(round(100 * low, 1), round(100 * rate, 1), round(100 * high, 1))
