"""When a timetable is due: crontab's five fields, in a time zone. Knows no job and reads no clock.

The fields mean what they mean in crontab: 0 and 7 are Sunday, 1-5 are weekdays, and a table that names both a
day of the month and a day of the week is due on either. In the night on which clocks go forward, a time that
does not exist is due at the end of the gap; in the night on which they go back, a time that comes twice is
due the first time.
"""

import difflib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo, available_timezones

from apscheduler.triggers.base import BaseTrigger
from cronsim import CronSim, CronSimError

FIELDS = "write crontab's five fields (minute, hour, day of month, month, day of week), such as 0 2 * * *"
SECOND = timedelta(seconds=1)


class Timetable(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """A trigger of APScheduler. Raises ValueError, with a remedy, for what crontab would not take."""

    def __init__(self, expression: str, zone: str) -> None:
        self.zone = read_zone(zone)
        self.expression = expression
        if len(expression.split()) != 5:
            raise ValueError(f"no time table: {FIELDS}")
        try:
            next(CronSim(expression, datetime(2000, 1, 1, tzinfo=self.zone)))
        except CronSimError as fault:
            raise ValueError(f"no time table ({fault}): {FIELDS}") from fault
        except StopIteration:
            raise ValueError(f"a time table that is never due: {FIELDS}") from None

    def list_after(self, moment: datetime) -> Iterator[datetime]:
        """The due times after `moment`, the nearest first."""
        # Crontab's first of two equal wall times may lie before a moment between them.
        return (at for at in CronSim(self.expression, moment.astimezone(self.zone)) if at > moment)

    def find_last(self, moment: datetime) -> datetime | None:
        """The newest due time at or before `moment`, in UTC."""
        # Backwards, cronsim is an hour off when clocks change: use it only to find where to start forwards.
        eve = (moment - timedelta(days=1)).astimezone(self.zone)
        start = next(CronSim(self.expression, eve, reverse=True), None)
        if start is None:
            return None
        due = list(takewhile(lambda at: at <= moment, self.list_after(start.astimezone(UTC) - SECOND)))
        return due[-1].astimezone(UTC) if due else None

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The method that APScheduler calls: the due time after the last one, however late it is by now."""
        return next(self.list_after(previous_fire_time or now - timedelta(microseconds=1)), None)


def read_zone(name: str) -> ZoneInfo:
    """The time zone of that name. Raises ValueError, with the nearest name, if the database has none."""
    known = available_timezones()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1) or ["Europe/Berlin"]
        raise ValueError(f"no time zone: write a name of the tz database, such as {near[0]}")
    return ZoneInfo(name)
