"""An example of every drift alarm; docs/morning.md shows them.

tests/feedback/drift/test_alarms.py has the sentence expected for each.
"""

from dataclasses import dataclass
from datetime import date

from feedback.drift.alarms import Alarm, raise_alarm
from feedback.drift.shift import Shift
from feedback.drift.watched import FoundShift, Watched

TODAY = date(2026, 11, 28)
LIVE = "tuned-20261120-1"


@dataclass(frozen=True)
class Case:
    name: str
    alarm: Alarm


def shift(
    name: str, quantity: str, before: float, now: float, *, days: int, member: str | None = None
) -> Case:
    found = FoundShift(Watched(quantity, (), member), Shift(before, now, days, 100, 30.0))
    return Case(name, raise_alarm(found, today=TODAY))


SHIFTS = [
    shift("agents prefer the adapter less", "support", 0.65, 0.543, days=6, member=LIVE),
    shift("agents prefer the adapter more", "support", 0.6, 0.72, days=6, member=LIVE),
    shift("more thumbs down", "thumbs", 0.098, 0.204, days=4),
    shift("fewer thumbs down", "thumbs", 0.204, 0.098, days=9),
    shift("replies are longer", "replies", 289.6, 411.2, days=2),
    shift("replies are shorter", "replies", 411.2, 289.6, days=2),
    shift("customers write more", "customers", 96.2, 134.7, days=3),
    shift("customers write less", "customers", 134.7, 96.2, days=3),
    shift("a language comes up", "language", 0.052, 0.243, days=4, member="zh"),
    shift("a language is missing", "language", 0.243, 0.052, days=4, member="zh"),
    shift("a tag comes up", "tag", 0.0, 0.18, days=1, member="recall"),
    shift("a tag is missing", "tag", 0.18, 0.0, days=13, member="recall"),
]
