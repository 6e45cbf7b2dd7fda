"""Looks for drift in the rows of the store: a few GROUP BYs over six weeks, in the caller's transaction.

It counts whole days before today, so that every look of a day finds the same alarms; the trainer's nightly
look is the first. Support is that of the adapter that serves now, on its own sets, so a new adapter has no
alarm until it has enough days.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlmodel import Session

from feedback.drift.alarms import DriftWatch, raise_alarm
from feedback.drift.shift import DAYS, Day, hit
from feedback.drift.watched import FEWEST_OF_MEMBER, MOST_MEMBERS, Watched, find_shifts, list_too_early
from feedback.experiments.days import tally_days
from feedback.experiments.tally import Tally
from feedback.store import daily_counts, drift_counts
from feedback.store.deployments import serving_state
from feedback.store.overview import name_language
from feedback.store.tables import DEFAULT_DESK
from feedback.store.tags import read_tag_tree
from feedback.tags.tree import TagTree

LENGTHS = {"replies": "agent", "customers": "customer"}  # quantity -> role of the author


def watch_now(session: Session, *, now: datetime, desk_id: str = DEFAULT_DESK) -> DriftWatch:
    today = now.astimezone(UTC).date()
    watched = list(list_watched(session, today=today, desk_id=desk_id))
    alarms = tuple(raise_alarm(found, today=today) for found in find_shifts(watched))
    return DriftWatch(alarms, tuple(list_too_early(watched)))


def list_watched(session: Session, *, today: date, desk_id: str) -> Iterator[Watched]:
    days = [today - timedelta(days=back) for back in range(DAYS, 0, -1)]
    asked: Any = {"desk_id": desk_id, "since": datetime.combine(days[0], time.min, UTC)}
    adapter = name_serving(session, desk_id=desk_id)
    if adapter is not None:
        tallies = tally_days(daily_counts.count_judged(session, **asked))
        picks = {each.day: each.tally for each in tallies if each.adapter == adapter}
        supports = [picks.get(day, Tally()) for day in days]
        yield Watched("support", [hit(each.decided, each.won) for each in supports], adapter)
    thumbs = drift_counts.count_thumbs_by_day(session, **asked)
    given = [thumbs.get(day, {}) for day in days]
    yield Watched("thumbs", [hit(sum(each.values()), each.get("down", 0)) for each in given])
    lengths = drift_counts.sum_lengths_by_day(session, **asked)
    for name, role in LENGTHS.items():
        yield Watched(name, [Day(*lengths.get(day, {}).get(role, ())) for day in days])
    spoken = count_daily_languages(daily_counts.count_languages(session, **asked))
    told = [spoken.get(day, Counter()) for day in days]
    yield from watch_shares("language", told, [each.total() for each in told])
    tree = read_tag_tree(session, desk_id=desk_id)
    lists = drift_counts.count_tags_by_day(session, **asked)
    tagged = [lists.get(day, {}) for day in days]
    yield from watch_shares(
        "tag", [count_tags(each, tree) for each in tagged], [sum(each.values()) for each in tagged]
    )


def name_serving(session: Session, *, desk_id: str) -> str | None:
    state = serving_state(session, desk_id=desk_id)
    return state.live or state.canary


def watch_shares(name: str, counts: Sequence[Counter[str]], wholes: Sequence[int]) -> list[Watched]:
    """The daily share of each language or tag that is frequent enough, among all conversations of the day."""
    total = sum(counts, Counter())
    members = [member for member, count in total.most_common(MOST_MEMBERS) if count >= FEWEST_OF_MEMBER]
    return [
        Watched(name, [hit(whole, each[member]) for whole, each in zip(wholes, counts, strict=True)], member)
        for member in members
    ]


def count_daily_languages(rows: Mapping[tuple[date, str | None], int]) -> dict[date, Counter[str]]:
    """Counts conversations by language, without those whose language is unknown."""
    found: dict[date, Counter[str]] = {}
    for (day, code), count in rows.items():
        if code:
            found.setdefault(day, Counter())[name_language(code)] += count
    return found


def count_tags(lists: Mapping[tuple[str, ...], int], tree: TagTree) -> Counter[str]:
    """Counts conversations under each of their tags and those above, once each."""
    found: Counter[str] = Counter()
    for tags, count in lists.items():
        found.update(dict.fromkeys(tree.lift(tags), count))
    return found


class KeptWatch:
    """Keeps the alarms in the web process: one look an hour for each desk and serving adapter."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[datetime, str | None, DriftWatch]] = {}

    def read(self, session: Session, *, now: datetime, desk_id: str) -> DriftWatch:
        hour, serving = now.replace(minute=0, second=0, microsecond=0), name_serving(session, desk_id=desk_id)
        kept = self._kept.get(desk_id)
        if kept is None or kept[:2] != (hour, serving):
            kept = hour, serving, watch_now(session, now=now, desk_id=desk_id)
            self._kept[desk_id] = kept
        return kept[2]
