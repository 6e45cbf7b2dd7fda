"""Statistics by day from daily counts: support rates, how replies came about, which slots people pick, which
adapter served when. Pure; the rules of counting a pick are in `support.py`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from feedback.experiments.support import tally_support
from feedback.experiments.tally import Tally
from feedback.store.daily_counts import DayJudged
from feedback.store.record_counts import AgentMeaning
from feedback.store.row_selection import CARDS
from feedback.store.tables import Deployment

SENT = ("pick", "edit", "own", "tie")  # as settled


@dataclass(frozen=True)
class DaySupport:
    """The picks of one day on sets with one adapter."""

    day: date
    adapter: str
    tally: Tally


@dataclass(frozen=True)
class Stretch:
    """A time in which an adapter served in one role; `end` is None while it still serves."""

    role: str
    adapter: str
    share: float
    start: datetime
    end: datetime | None


@dataclass
class DayKinds:
    """Judgements of a day that can be learnt from, by how the reply came about."""

    settled: Counter[str] = field(default_factory=Counter)

    @property
    def edits(self) -> Tally:
        return Tally(self.settled["edit"], self.settled.total() - self.settled["edit"])


def tally_days(rows: Iterable[DayJudged]) -> list[DaySupport]:
    """The tally of each day and adapter with picks that count, in order of days."""
    found: defaultdict[tuple[date, str], Counter[AgentMeaning]] = defaultdict(Counter)
    for row in rows:
        if row.adapter is not None:
            found[row.day, row.adapter][AgentMeaning(None, row.meaning)] += row.judgements  # whoever it was
    days = (DaySupport(*key, tally_support(key[1], found[key]).tally) for key in sorted(found))
    return [each for each in days if each.tally.counted]


def tally_kinds(rows: Iterable[DayJudged]) -> dict[date, DayKinds]:
    days: dict[date, DayKinds] = {}
    for row in rows:
        if row.meaning.settled in SENT:
            days.setdefault(row.day, DayKinds()).settled[row.meaning.settled] += row.judgements
    return dict(sorted(days.items()))


def tally_slots(rows: Iterable[DayJudged]) -> list[Tally]:
    """Picks by slot, from sets of four different cards (a pick in such a set gives three pairs)."""
    picks: Counter[int] = Counter()
    for row in rows:
        if row.meaning.settled == "pick" and row.pairs == CARDS - 1 and row.slot is not None:
            picks[row.slot] += row.judgements
    return [Tally(picks[slot], picks.total() - picks[slot]) for slot in range(CARDS)] if picks else []


def list_stretches(rows: Sequence[Deployment], *, since: datetime) -> list[Stretch]:
    """The times of serving since a time, from deployments in order, without those of the base alone."""
    stretches: list[Stretch] = []
    for role in ("live", "canary"):
        own = [row for row in rows if row.role == role]
        ends: list[datetime | None] = [*(row.at for row in own[1:]), None]
        for row, end in zip(own, ends, strict=False):  # without rows there is no end either
            if row.adapter is not None and (end is None or end > since):
                stretches.append(Stretch(role, row.adapter, row.share, row.at, end))
    return sorted(stretches, key=lambda each: (each.start, each.role))
