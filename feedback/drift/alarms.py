"""An alarm: a shift told as a sentence with a recommended action, and the rows that it is about. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from feedback.drift.watched import QUANTITIES, FoundShift, has_risen
from feedback.morning.said import Action, MorningSentence, show_plain
from feedback.records.candidate import BASE, TUNED

# By what shifted and whether it rose: the code of the sentence, and of the action.
CODES = {
    ("support", False): ("support_fell", "read_lost"),
    ("support", True): ("support_rose", "read_won"),
    ("thumbs", True): ("thumbs_rose", "read_down"),
    ("thumbs", False): ("thumbs_fell", "nothing"),
    ("replies", True): ("replies_shifted", "read_replies"),
    ("replies", False): ("replies_shifted", "read_replies"),
    ("customers", True): ("customers_shifted", "read_customers"),
    ("customers", False): ("customers_shifted", "read_customers"),
    ("language", True): ("language_shifted", "read_language"),
    ("language", False): ("language_shifted", "find_cause"),
    ("tag", True): ("tag_shifted", "read_tag"),
    ("tag", False): ("tag_shifted", "find_cause"),
}
MEMBERS = {"support": "adapter", "language": "language", "tag": "tag"}  # what the member is called


@dataclass(frozen=True)
class Alarm:
    """An alarm. `rows` are query parameters of the page of conversations."""

    said: MorningSentence
    rows: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {**self.said.to_json(), "rows": show_plain(self.rows)}


@dataclass(frozen=True)
class DriftWatch:
    """The alarms of one look. `too_early` lists quantities that have too few values to tell anything yet."""

    alarms: Sequence[Alarm] = field(default_factory=tuple)
    too_early: Sequence[str] = field(default_factory=tuple)

    @property
    def tone(self) -> str:
        """The colour of the sentences: "good" if every alarm is good news, else "warn"."""
        tones = {alarm.said.tone for alarm in self.alarms}
        return "good" if tones == {"good"} else "warn"

    def to_json(self) -> dict[str, Any]:
        return {"alarms": [alarm.to_json() for alarm in self.alarms], "too_early": list(self.too_early)}


def raise_alarm(found: FoundShift, *, today: date) -> Alarm:
    """Makes the alarm of a shift. `today` is the day of the look, whose rows are not counted."""
    name, shift = found.watched.name, found.shift
    sentence, action = CODES[name, has_risen(shift)]
    since = today - timedelta(days=shift.days)
    show = show_percent if QUANTITIES[name].kind == "share" else round
    named = {MEMBERS[name]: found.watched.member} if name in MEMBERS else {}
    values = {**named, "since": since, "now": show(shift.now), "before": show(shift.before)}
    rows = {**choose_rows(found), "since": datetime.combine(since, time.min, UTC)}
    return Alarm(MorningSentence(sentence, Action(action, named), values), rows)


def choose_rows(found: FoundShift) -> dict[str, Any]:
    name, member = found.watched.name, found.watched.member
    if name == "support":
        return {"verdict": TUNED if has_risen(found.shift) else BASE, "version": member}
    if name == "thumbs":
        return {"verdict": "down"}
    return {MEMBERS[name]: member} if name in MEMBERS else {}


def show_percent(share: float) -> float:
    """A share in percent: rounded to whole percent from 10 % on, to a tenth below."""
    return round(100 * share, None if share >= 0.1 else 1)
