"""How often the drift alarm is false, and after how many conversations it finds a planted shift.

    python -m bench.drift [--years 40] [--shifts 100] [--per-day 200] [--seed 1]

Simulated days (`made_up_days.py`) go through `feedback.drift.watched.find_shifts` itself, one look a day.
There are differences between weekdays and random ones between days; agents differ in taste and take days and
weeks off, and the messages of a conversation are correlated. No store, one core.
"""

from collections.abc import Iterator

import numpy as np
from rich.console import Console

from bench.figures import Figures, make_table
from bench.made_up_days import MadeUpDesk, Plant
from bench.report import make_parser, print_report
from feedback.drift.shift import DAYS
from feedback.drift.watched import QUANTITIES, Watched, find_shifts

YEAR, MONTH = 365, 30
DAYS_AFTER = 28  # days after a planted shift, until it becomes part of the comparison period
PLANTS = {
    "support": Plant("support", -0.10),
    "thumbs": Plant("thumbs", 2.0),
    "replies": Plant("replies", 1.4),
    "customers": Plant("customers", 1.4),
    "language": Plant("language", 0.25),
    "tag": Plant("tag", 0.20),
}
NOTES = {
    "false_alarms_per_year": "begun where nothing shifts, a look a day, all quantities together",
    "quiet_months_with_alarm": "share of 30 such days with an alarm",
    "conversations_to_alarm_support": "median after 10 points less; none if under half were found",
    "conversations_to_alarm_thumbs": "thumbs down from 10 to 20 %",
    "conversations_to_alarm_replies": "replies 40 % longer",
    "conversations_to_alarm_customers": "what customers write 40 % longer",
    "conversations_to_alarm_language": "a language from 5 to 25 %",
    "conversations_to_alarm_tag": "a tag from 5 to 20 %",
}


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--years", type=int, default=40, help="without a shift  [default: 40]")
    parser.add_argument("--shifts", type=int, default=100, help="of each kind  [default: 100]")
    parser.add_argument("--per-day", type=int, default=200, help="conversations  [default: 200]")
    parser.add_argument("--seed", type=int, default=1, help="of all draws  [default: 1]")
    asked = parser.parse_args()
    rng, figures, console = np.random.default_rng(asked.seed), Figures(), Console(width=120)
    check_quiet(rng, asked.per_day, asked.years, figures)
    table = make_table(
        f"planted at {asked.per_day} conversations a day", "shift", "found in 4 weeks", "median conversations"
    )
    for name, plant in PLANTS.items():
        needed = [count_until(rng, asked.per_day, plant) for _ in range(asked.shifts)]
        found = sorted(count for count in needed if count is not None)
        share = len(found) / len(needed)
        # The median over all shifts; those never found count as the longest.
        median = found[len(needed) // 2] if len(found) > len(needed) // 2 else None
        figures.values[f"found_{name}"], figures.values[f"conversations_to_alarm_{name}"] = share, median
        table.add_row(name, f"{share:.2f}", str(median))
    console.print(table)
    print_report("drift", figures.values, notes=NOTES)


def check_quiet(rng: np.random.Generator, per_day: int, years: int, figures: Figures) -> None:
    begun = dict.fromkeys(QUANTITIES, 0)
    months: list[bool] = []
    for _ in range(years):
        alarms = list(watch_daily(MadeUpDesk(rng, per_day), YEAR))
        for before, now in zip([set(), *alarms], alarms, strict=False):
            for name in now - before:
                begun[name] += 1
        months += [any(alarms[start : start + MONTH]) for start in range(0, YEAR - MONTH + 1, MONTH)]
    total = sum(begun.values())
    figures.add("false_alarms_per_year", (total / years, total**0.5 / years))
    figures.values |= {f"false_alarms_per_year_{name}": count / years for name, count in begun.items()}
    share = sum(months) / len(months)
    figures.add("quiet_months_with_alarm", (share, (share * (1 - share) / len(months)) ** 0.5))


def watch_daily(desk: MadeUpDesk, days: int, plant: Plant | None = None) -> Iterator[set[str]]:
    """Yields at each day's look the quantities with an alarm; `plant` shifts these days."""
    drawn = [desk.draw_day(day) for day in range(DAYS)]
    for day in range(DAYS, DAYS + days):
        drawn = [*drawn[1:], desk.draw_day(day, plant)]
        watched = [Watched(name, [each[name, member] for each in drawn], member) for name, member in drawn[0]]
        yield {found.watched.name for found in find_shifts(watched)}


def count_until(rng: np.random.Generator, per_day: int, plant: Plant) -> int | None:
    """Conversations from the shift to its alarm, which comes at the end of a day; None if it never came."""
    desk = MadeUpDesk(rng, per_day)
    for alarms in watch_daily(desk, DAYS_AFTER, plant):
        if plant.name in alarms:
            return desk.planted
    return None


if __name__ == "__main__":
    main()
