"""Looks for drift in the rows as they stand: a few GROUP BYs over six weeks, in the caller's transaction.

Counts whole days before today, so every look of a day finds the same and the trainer's nightly one is the
first. Support is that of the adapter that serves now on its own sets: a new one has to be known first.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlmodel import Session

from feedback.drift.alarms import Watch, raise_alarm
from feedback.drift.shift import DAYS, Day, hit
from feedback.drift.watched import FEWEST_OF_MEMBER, MOST_MEMBERS, Watched, find_shifts, list_too_early
from feedback.experiments.support import tally_support
from feedback.store import day_counts
from feedback.store.deployments import serving_state
from feedback.store.overview import name_language
from feedback.store.tables import DEFAULT_DESK

LENGTHS = {"replies": "agent", "customers": "customer"}  # whose messages they are


def watch_now(session: Session, *, now: datetime, desk_id: str = DEFAULT_DESK) -> Watch:
    today = now.astimezone(UTC).date()
    watched = list(list_watched(session, today=today, desk_id=desk_id))
    alarms = tuple(raise_alarm(found, today=today) for found in find_shifts(watched))
    return Watch(alarms, tuple(list_too_early(watched)))


def list_watched(session: Session, *, today: date, desk_id: str) -> Iterator[Watched]:
    days = [today - timedelta(days=back) for back in range(DAYS, 0, -1)]
    asked: Any = {"desk_id": desk_id, "since": start_of(days[0]), "until": start_of(today)}
    serving = serving_state(session, desk_id=desk_id)
    adapter = serving.live or serving.canary
    if adapter is not None:
        judged = day_counts.count_meanings_by_day(session, adapter=adapter, **asked)
        tallies = [tally_support(adapter, judged.get(day, {})) for day in days]
        yield Watched("support", [hit(tally.decided, tally.tuned) for tally in tallies], adapter)
    thumbs = day_counts.count_thumbs_by_day(session, **asked)
    given = [thumbs.get(day, {}) for day in days]
    yield Watched("thumbs", [hit(sum(each.values()), each.get("down", 0)) for each in given])
    lengths = day_counts.sum_lengths_by_day(session, **asked)
    for name, role in LENGTHS.items():
        yield Watched(name, [Day(*lengths.get(day, {}).get(role, ())) for day in days])
    spoken = day_counts.count_languages_by_day(session, **asked)
    yield from follow("language", [count_languages(spoken.get(day, {})) for day in days])
    tagged = day_counts.count_tags_by_day(session, **asked)
    yield from follow(
        "tag",
        [count_tags(tagged.get(day, {})) for day in days],
        [sum(tagged.get(day, {}).values()) for day in days],
    )


def follow(name: str, counts: Sequence[Counter[str]], wholes: Sequence[int] | None = None) -> list[Watched]:
    """The share of each that occurs often enough, of all conversations of the day."""
    wholes = wholes if wholes is not None else [each.total() for each in counts]
    total = sum(counts, Counter())
    members = [member for member, count in total.most_common(MOST_MEMBERS) if count >= FEWEST_OF_MEMBER]
    return [
        Watched(name, [hit(whole, each[member]) for whole, each in zip(wholes, counts, strict=True)], member)
        for member in members
    ]


def count_languages(codes: Mapping[str, int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for code, count in codes.items():
        found[name_language(code)] += count
    return found


def count_tags(lists: Mapping[tuple[str, ...], int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for tags, count in lists.items():
        for tag in set(tags):
            found[tag] += count
    return found


def start_of(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
