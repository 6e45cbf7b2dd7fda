"""An example of every drift alarm; docs/morning.md shows them.

tests/feedback/drift/test_alarms.py has the sentence expected for each.
"""

from datetime import date

from feedback.drift.alarms import Alarm, raise_alarm
from feedback.drift.shift import Shift
from feedback.drift.watched import FoundShift, Watched

TODAY = date(2026, 11, 28)
LIVE = "tuned-20261120-1"


def shift(quantity: str, before: float, now: float, *, days: int, member: str | None = None) -> Alarm:
    found = FoundShift(Watched(quantity, (), member), Shift(before, now, days, 100, 30.0))
    return raise_alarm(found, today=TODAY)


SHIFTS = {
    "agents prefer the adapter less": shift("support", 0.65, 0.543, days=6, member=LIVE),
    "agents prefer the adapter more": shift("support", 0.6, 0.72, days=6, member=LIVE),
    "more thumbs down": shift("thumbs", 0.098, 0.204, days=4),
    "fewer thumbs down": shift("thumbs", 0.204, 0.098, days=9),
    "replies are longer": shift("replies", 289.6, 411.2, days=2),
    "replies are shorter": shift("replies", 411.2, 289.6, days=2),
    "customers write more": shift("customers", 96.2, 134.7, days=3),
    "customers write less": shift("customers", 134.7, 96.2, days=3),
    "a language comes up": shift("language", 0.052, 0.243, days=4, member="zh"),
    "a language is missing": shift("language", 0.243, 0.052, days=4, member="zh"),
    "a tag comes up": shift("tag", 0.0, 0.18, days=1, member="recall"),
    "a tag is missing": shift("tag", 0.18, 0.0, days=13, member="recall"),
}
