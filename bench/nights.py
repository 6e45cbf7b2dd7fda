"""Formats the nights that `bench.loop` ran: a row for each seed and night, and figures over all seeds.

Pure functions: nights in, a table and numbers out. Nothing is run or measured here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from rich.table import Table

from bench.report import FigureValues
from demo.run_words import describe_end
from demo.simulate import Night, Serving


@dataclass(frozen=True)
class LastAdapter:
    """Broken replies of the last adapter that serves: greedy ones; shares of its sampled ones and base's."""

    greedy: int
    sampled: float
    sampled_base: float


@dataclass(frozen=True)
class Played:
    """The nights of one seed; `last` is None where no adapter served at the end."""

    seed: int
    nights: Sequence[Night]
    last: LastAdapter | None = None


def tabulate_nights(played: Sequence[Played]) -> Table:
    """A row for each seed and night, then a row of means for each night."""
    table = Table(title="nights")
    for name in ("seed", "night", "support on fresh sets", "broken greedy, sampled", "gate", "serves then"):
        table.add_column(name, overflow="fold")
    for each in played:
        for night in each.nights:
            table.add_row(str(each.seed), str(night.number), *describe_played(night))
    for number in number_nights(played):
        table.add_row(
            "mean", str(number), describe_mean(played, number), "", describe_gate(played, number), ""
        )
    return table


def describe_played(night: Night) -> tuple[str, str, str, str]:
    return (
        describe_fresh(night.support),
        describe_broken(night.run.get("report") or {}),
        describe_end(night.run),
        describe_serving(night.serving),
    )


def describe_fresh(support: dict[str, Any] | None) -> str:
    if support is None or support["rate"] is None:
        return "not measured"
    shares = [f"{support[name] * 100:.1f}" for name in ("rate", "low", "high")]
    return f"{shares[0]} % ({shares[1]} to {shares[2]}) of {support['counted']}"


def describe_broken(report: dict[str, Any]) -> str:
    replies = report.get("replies")
    if replies is None:
        return "not measured"
    base = f"base {replies['broken_greedy_base']:.1%}, {replies['broken_sampled_base']:.2%}"
    return f"{replies['broken_greedy']:.1%}, {replies['broken_sampled']:.2%}; {base}"


def describe_serving(serving: Serving) -> str:
    roles = {"live": serving.live, "canary": serving.canary}
    return ", ".join(f"{name} ({role})" for role, name in roles.items() if name) or "base alone"


def describe_mean(played: Sequence[Played], number: int) -> str:
    rates = list(read_rates(played, number).values())
    measured = [rate for rate in rates if rate is not None]
    if not measured:
        return "not measured"
    return f"{mean(measured) * 100:.1f} %, {len(measured)} of {len(rates)} seeds"


def describe_gate(played: Sequence[Played], number: int) -> str:
    passed = [
        night.run["decision"] == "passed" for each in played for night in each.nights[number - 1 : number]
    ]
    return f"passed {sum(passed)} of {len(passed)}"


def find_figures(played: Sequence[Played]) -> FigureValues:
    """Means over seeds by night, the values of each seed, and how many nights the gate refused.

    A refused night has no support rate: the mean is over the seeds that have one.
    """
    found: FigureValues = {}
    for number in number_nights(played):
        rates = read_rates(played, number)
        found[f"support_night_{number}"] = find_mean(rates.values())
        if len(played) > 1:
            found |= {f"support_night_{number}_seed_{seed}": rate for seed, rate in rates.items()}
        for name, key in (("kl", "kl_to_base"), ("shift", "chosen_shift")):
            reports = (night.run.get("report") or {} for night in list_nights(played, number))
            found[f"{name}_night_{number}"] = find_mean(report.get(key) for report in reports)
    nights = [night for each in played for night in each.nights]
    found["refused_nights"] = sum(night.run["decision"] != "passed" for night in nights)
    last = [each.last for each in played if each.last is not None]
    found["broken_greedy"] = max((each.greedy for each in last), default=None)
    found["broken_excess"] = find_mean(each.sampled - each.sampled_base for each in last)
    found["broken_base"] = find_mean(each.sampled_base for each in last)
    return found


def number_nights(played: Sequence[Played]) -> range:
    return range(1, 1 + max((len(each.nights) for each in played), default=0))


def list_nights(played: Sequence[Played], number: int) -> list[Night]:
    return [night for each in played for night in each.nights if night.number == number]


def read_rates(played: Sequence[Played], number: int) -> dict[int, float | None]:
    """The support rate of this night's adapter for each seed; None where none was measured."""
    return {
        each.seed: night.support["rate"] if night.support else None
        for each in played
        for night in each.nights
        if night.number == number
    }


def find_mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None
