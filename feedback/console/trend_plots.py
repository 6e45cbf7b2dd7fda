"""The charts of the trends page, from counts by day, each with the data of its legend and table."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from flask_babel import get_locale

from feedback.console.charts import HEIGHT, Axes, ChartBlock, Plot, Tick, Whisker, set_up
from feedback.experiments.days import DayKinds, DaySupport, Stretch
from feedback.experiments.tally import Tally
from feedback.morning.words import ENGLISH, show_day
from feedback.store.daily_counts import Replies
from feedback.store.overview import name_language

LEAST_SHARE = 0.2  # what an axis of shares spans at least; a wobble of two points is no news
LEAST_LENGTH = 40.0  # characters
BANDS = (("harm", 0.0, 0.5), ("weak", 0.5, 0.7), ("good", 0.7, 1.0))
EDGES = (0.5, 0.7, 0.8)
LANGUAGES = 4  # drawn by name; the others are one line
OTHERS = "others"
ROLES = ("live", "canary")  # one row of stretches each
A_FIGURE = 8.0  # width of one, in the drawing


@dataclass(frozen=True)
class Span:
    """The range of days that is drawn, beginning with `first`."""

    first: date
    days: int

    def x(self, day: date) -> float:
        """The x coordinate of the middle of a day."""
        return (day - self.first).days + 0.5

    def x_at(self, at: datetime) -> float:
        begins = datetime.combine(self.first, time.min, UTC)
        return min(max((at - begins) / timedelta(days=1), 0.0), float(self.days))

    def mark(self, axes: Axes) -> tuple[Tick, ...]:
        shown = dict.fromkeys((0, self.days // 2, self.days - 1))
        return tuple(Tick(axes.x(each + 0.5), write_day(self.first + timedelta(each))) for each in shown)

    def set_up(
        self, ys: Sequence[float], *, least: float, top: float | None = None, is_share: bool = True
    ) -> Axes:
        edges = (0.0, float(self.days))
        return set_up(edges, ys, least_span=least, bounds=(0.0, top), is_share=is_share)


def write_day(day: date) -> str:
    return show_day(day, get_locale() or ENGLISH)


def draw_support(days: Sequence[DaySupport], stretches: Sequence[Stretch], span: Span, now: datetime) -> Plot:
    """The support rates on the full scale of 0 to 100 %, with bands. Adapters of the same day are drawn side
    by side.
    """
    axes = span.set_up([0.0, 1.0], least=1.0, top=1.0)
    on_day: Counter[date] = Counter()
    whiskers = []
    for each in days:
        beside = 0.3 * on_day[each.day]
        on_day[each.day] += 1
        assert each.tally.rate is not None, "a day without picks is left out"
        whiskers.append(raise_whisker(axes, span.x(each.day) + beside, each.tally.rate, each.tally.interval))
    return Plot(
        ticks=axes.ticks,
        along=span.mark(axes),
        whiskers=tuple(whiskers),
        blocks=tuple(
            lay_block(axes, span, each, number, now) for number, each in enumerate(stretches, start=1)
        ),
        bands=tuple((kind, axes.y(high), axes.y(low) - axes.y(high)) for kind, low, high in BANDS),
        marks=tuple(axes.y(edge) for edge in EDGES),
    )


def lay_block(axes: Axes, span: Span, stretch: Stretch, number: int, now: datetime) -> ChartBlock:
    left, right = axes.x(span.x_at(stretch.start)), axes.x(span.x_at(stretch.end or now))
    words, width = str(number), max(right - left, 1.0)
    is_roomy = width >= A_FIGURE * len(words)
    return ChartBlock(left, round(width, 1), ROLES.index(stretch.role), words if is_roomy else "")


def draw_edits(days: Mapping[date, DayKinds], span: Span) -> Plot | None:
    shares = {day: kinds.edits for day, kinds in days.items() if kinds.edits.counted}
    if not shares:
        return None
    ends = [end for share in shares.values() for end in share.interval]
    axes = span.set_up(ends, least=LEAST_SHARE, top=1.0)
    whiskers = tuple(
        raise_whisker(axes, span.x(day), share.rate or 0.0, share.interval) for day, share in shares.items()
    )
    return Plot(ticks=axes.ticks, along=span.mark(axes), whiskers=whiskers)


def draw_lengths(days: Mapping[date, Replies], span: Span) -> Plot | None:
    points = [(span.x(day), each.characters / each.replies) for day, each in sorted(days.items())]
    if not points:
        return None
    axes = span.set_up([y for _x, y in points], least=LEAST_LENGTH, is_share=False)
    return Plot(ticks=axes.ticks, along=span.mark(axes), lines=(axes.trace("train", points, has_dots=True),))


@dataclass(frozen=True)
class Languages:
    """The languages of the conversations that began each day: `names` are drawn as lang-0, lang-1 ..., the
    most frequent first.
    """

    names: list[str]
    days: dict[date, Counter[str]]

    def share(self, day: date, name: str) -> float:
        return self.days[day][name] / self.days[day].total()


def plot_languages(found: Mapping[tuple[date, str | None], int]) -> Languages:
    """Counts languages by day. A region counts as its language; all but the most frequent languages count as
    others.
    """
    whole: Counter[str] = Counter()
    for (_day, code), number in found.items():
        whole[name_language(code)] += number
    named = [name for name, _number in whole.most_common() if name][:LANGUAGES]
    days: dict[date, Counter[str]] = {}
    for (day, code), number in sorted(found.items(), key=lambda item: item[0][0]):
        name = name_language(code)
        days.setdefault(day, Counter())[name if name in named else OTHERS] += number
    has_others = any(each[OTHERS] for each in days.values())
    return Languages([*named, OTHERS] if has_others else named, days)


def draw_languages(languages: Languages, span: Span) -> Plot | None:
    if not languages.days:
        return None
    axes = span.set_up([0.0, 1.0], least=1.0, top=1.0)
    lines = tuple(
        axes.trace(
            f"lang-{place}",
            [(span.x(day), languages.share(day, name)) for day in languages.days],
            has_dots=len(languages.days) < 3,
        )
        for place, name in enumerate(languages.names)
    )
    return Plot(ticks=axes.ticks, along=span.mark(axes), lines=lines)


def draw_shares(shares: Mapping[str, Tally], *, mark: float | None = None) -> Plot | None:
    """A chart of shares with their intervals, side by side, each labelled by its key. `mark` is a reference
    line.
    """
    shown = {words: share for words, share in shares.items() if share.rate is not None}
    if not shown:
        return None
    ends = [end for share in shown.values() for end in share.interval]
    ends += [] if mark is None else [mark]
    axes = set_up((0.0, float(len(shown))), ends, least_span=LEAST_SHARE, bounds=(0.0, 1.0), is_share=True)
    middles = [place + 0.5 for place in range(len(shown))]
    return Plot(
        ticks=axes.ticks,
        along=tuple(Tick(axes.x(x), words) for x, words in zip(middles, shown, strict=True)),
        whiskers=tuple(
            raise_whisker(axes, x, share.rate or 0.0, share.interval)
            for x, share in zip(middles, shown.values(), strict=True)
        ),
        marks=() if mark is None else (axes.y(mark),),
        is_of_things=True,
    )


def raise_whisker(axes: Axes, x: float, rate: float, interval: tuple[float, float]) -> Whisker:
    low, high = interval
    return Whisker(axes.x(x), axes.y(low), axes.y(rate), axes.y(high))


ROW = 17.0  # of stretches, below the days
STRETCHES_AT = HEIGHT + 26.0
