"""The forecast of a training run, before it starts: a table for people or an object for machines."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from commands.frame import print_json
from feedback.run_report.need import tell_bytes

if TYPE_CHECKING:
    from trainer.estimate.forecast import Forecast

GB = 1e9


def show_forecast(stages: "Sequence[Forecast]", as_json: bool) -> None:
    """Shows the forecast of a run, or those of its stages and what they add up to."""
    from trainer.estimate.stages import add_up, stages_to_json

    if as_json:
        print_json(stages_to_json(stages))
        return
    for number, found in enumerate(stages, 1):
        if len(stages) > 1:
            click.echo(f"stage {number} of {len(stages)}")
        for line in [*list_data(found), "", *list_time(found), "", *list_memory(found), "", str(found.need)]:
            click.echo(line)
    if len(stages) > 1:
        steps = sum(found.steps for found in stages)
        largest = max(found.need.memory for found in stages)
        took = f"{format_duration(add_up(stages).total)}, at most {tell_bytes(largest)}"
        click.echo(f"\nall stages: {steps:,} steps, {took}")


def list_data(found: "Forecast") -> list[str]:
    left_out = [f"  left out, {reason:<14} {count:>12,}" for reason, count in sorted(found.refusals.items())]
    lines = [
        f"recipe {found.recipe}, objective {found.objective}, on {found.device}",
        "",
        f"records found            {found.found:>12,}",
        *left_out,
        f"learnt from              {found.examples:>12,}",
        *(f"  of the tag {tag:<12} {count:>12,}" for tag, count in found.tags.items()),
        f"held out                 {found.held_out:>12,}",
        f"steps, {found.epochs:g} epochs{'':<10} {found.steps:>12,}",
        f"tokens an epoch          {found.tokens.epoch:>12,}",
    ]
    if found.unpacked is not None:
        lines.append(f"one reply a row: {found.unpacked}")
    return lines


def list_time(found: "Forecast") -> list[str]:
    seconds, timed = found.seconds, found.timed
    together = found.examples + found.held_out
    stored = "" if found.stored is None else f"  ({found.stored:,} of {together:,} examples stored)"
    skipped = f" after {timed.skipped} not timed" if timed.skipped else ""
    return [
        "time",
        f"  loading                {format_duration(seconds.load):>12}",
        f"  reference              {format_duration(seconds.reference):>12}{stored}",
        f"  training               {format_duration(seconds.training):>12}",
        f"  held-out checks        {format_duration(seconds.checks):>12}",
        f"  together               {format_duration(seconds.total):>12}  without evaluation and gate",
        f"  from {timed.steps} steps{skipped}: {timed.tokens:,} tokens in {timed.seconds:.3g} s",
    ]


def list_memory(found: "Forecast") -> list[str]:
    timed, parameters = found.timed, found.parameters
    return [
        "memory, GB                  weights  gradients     Adam    together",
        *(
            f"  {name:<22} {need.weights / GB:>12.3g} {need.gradients / GB:>10.3g} {need.adam / GB:>8.3g} "
            f"{need.total / GB:>11.3g}"
            for name, need in found.needs.items()
        ),
        f"  {parameters.total:,} parameters, {parameters.linear:,} of them in linear layers; "
        f"adapter {parameters.adapter:,}",
        f"  the longest batch ({timed.longest_tokens:,} tokens) took it to {timed.peak / GB:.3g} GB with "
        "everything loaded",
    ]


def format_duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
