"""Due times of crontab lines, worked out by hand from the calendar and the dates on which clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from trainer.settings import TrainerSettings
from trainer.timetable import Timetable


def utc(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)


def read_utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def list_due(expression: str, zone: str, after: datetime, count: int) -> list[datetime]:
    return [at.astimezone(UTC) for at in islice(Timetable(expression, zone).list_after(after), count)]


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("0 2 * * 0", [6, 13, 20]),  # 1 December 2026 is a Tuesday: the Sundays
        ("0 2 * * 7", [6, 13, 20]),
        ("0 2 * * sun", [6, 13, 20]),
        ("0 2 * * 1", [7, 14, 21]),
        ("0 2 * * 1-5", [2, 3, 4, 7, 8]),  # weekdays
        ("0 2 * * 6,0", [5, 6, 12, 13]),
        ("0 2 10 * 1", [7, 10, 14, 21]),  # the tenth, or a Monday
        ("0 2 10 * *", [10]),
    ],
)
def test_days_are_those_of_crontab(expression: str, days: list[int]) -> None:
    found = list_due(expression, "UTC", utc(2026, 12, 1, 12), len(days))
    assert found == [utc(2026, 12, day, 2) for day in days]


@pytest.mark.parametrize(
    ("expression", "last"),
    [
        ("0 2 * * *", utc(2026, 12, 2, 2)),
        ("0 9 * * *", utc(2026, 12, 2, 9)),  # due this very minute
        ("30 9 * * *", utc(2026, 12, 1, 9, 30)),
        ("* * * * *", utc(2026, 12, 2, 9)),
        ("0 2 * * sun", utc(2026, 11, 29, 2)),
        ("0 2 * * 0", utc(2026, 11, 29, 2)),
        ("0 2 1 1 *", utc(2026, 1, 1, 2)),
        ("0 2 29 2 *", utc(2024, 2, 29, 2)),
    ],
)
def test_newest_due_time_is_found(expression: str, last: datetime) -> None:
    assert Timetable(expression, "UTC").find_last(utc(2026, 12, 2, 9)) == last


@pytest.mark.parametrize(
    ("zone", "expression", "listed"),
    [
        # Berlin, 29 March 2026: 02:00 CET is followed by 03:00 CEST at 01:00 UTC.
        ("Europe/Berlin", "30 1 * * *", ["2026-03-28 00:30", "2026-03-29 00:30", "2026-03-29 23:30"]),
        ("Europe/Berlin", "30 2 * * *", ["2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"]),
        ("Europe/Berlin", "30 3 * * *", ["2026-03-28 02:30", "2026-03-29 01:30", "2026-03-30 01:30"]),
        # New York, 8 March 2026: 02:00 EST is followed by 03:00 EDT at 07:00 UTC.
        ("America/New_York", "15 2 * * *", ["2026-03-07 07:15", "2026-03-08 07:00", "2026-03-09 06:15"]),
    ],
)
def test_night_that_lacks_an_hour_runs_once(zone: str, expression: str, listed: list[str]) -> None:
    table, due = Timetable(expression, zone), [read_utc(at) for at in listed]
    assert list_due(expression, zone, due[0] - timedelta(hours=1), 3) == due
    assert [table.find_last(at) for at in due] == due
    assert table.find_last(due[1] - timedelta(seconds=1)) == due[0]


@pytest.mark.parametrize(
    ("zone", "expression", "listed"),
    [
        # Berlin, 25 October 2026: 03:00 CEST is followed by 02:00 CET at 01:00 UTC.
        ("Europe/Berlin", "30 2 * * *", ["2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"]),
        ("Europe/Berlin", "0 3 * * *", ["2026-10-24 01:00", "2026-10-25 02:00", "2026-10-26 02:00"]),
        # New York, 1 November 2026: 02:00 EDT is followed by 01:00 EST at 06:00 UTC.
        ("America/New_York", "15 1 * * *", ["2026-10-31 05:15", "2026-11-01 05:15", "2026-11-02 06:15"]),
    ],
)
def test_night_that_has_an_hour_twice_runs_once(zone: str, expression: str, listed: list[str]) -> None:
    table, due = Timetable(expression, zone), [read_utc(at) for at in listed]
    assert list_due(expression, zone, due[0] - timedelta(hours=1), 3) == due
    between = due[1] + timedelta(minutes=40)  # where the wall shows the earlier time for the second time
    assert list_due(expression, zone, between, 1) == due[2:]
    assert table.find_last(between) == table.find_last(due[1] + timedelta(hours=1)) == due[1]


def test_scheduler_is_told_each_due_time_however_late_it_asks() -> None:
    table, now = Timetable("0 2 * * *", "UTC"), utc(2026, 12, 2, 2)
    assert table.get_next_fire_time(None, now) == now
    assert table.get_next_fire_time(now, utc(2026, 12, 9)) == utc(2026, 12, 3, 2)


@pytest.mark.parametrize("cron", ["at night", "* * *", "0 2 * * * *", "0 25 * * *", "0 2 31 2 *", "@daily"])
def test_bad_time_table_is_refused_with_a_remedy(cron: str) -> None:
    with pytest.raises(ValueError, match=r"nightly_cron(.|\n)*five fields .* such as 0 2 \* \* \*"):
        TrainerSettings(nightly_cron=cron)


def test_unknown_zone_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match=r"nightly_zone(.|\n)*such as Europe/Berlin"):
        TrainerSettings(nightly_zone="Europe/Berln")
