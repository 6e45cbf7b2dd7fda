"""A forecast of a training run, as a table for people or an object for machines."""

from typing import TYPE_CHECKING

import click

from commands.frame import print_json

if TYPE_CHECKING:
    from trainer.estimate.forecast import Forecast

GB = 1e9


def tell_forecast(found: "Forecast", as_json: bool) -> None:
    if as_json:
        print_json(found.to_json())
        return
    for line in [*list_data(found), "", *list_time(found), "", *list_memory(found)]:
        click.echo(line)


def list_data(found: "Forecast") -> list[str]:
    tokens = found.tokens
    packed = "-" if tokens.packed is None else f"{tokens.packed:,}"
    left_out = [f"  left out, {reason:<14} {count:>12,}" for reason, count in sorted(found.refusals.items())]
    lines = [
        f"recipe {found.recipe}, objective {found.objective}, on {found.device}",
        "",
        f"records found            {found.found:>12,}",
        *left_out,
        f"learnt from              {found.examples:>12,}",
        f"held out                 {found.held_out:>12,}",
        f"steps, {found.epochs:g} epochs{'':<10} {found.steps:>12,}",
        "",
        "tokens an epoch",
        f"  prompts                {tokens.prompt:>12,}",
        f"  replies                {tokens.reply:>12,}",
        f"  packed in rows         {packed:>12}",
        f"  as pairs               {tokens.pairs:>12,}",
    ]
    if found.unpacked is not None:
        lines.append(f"one reply a row: {found.unpacked}")
    return lines


def list_time(found: "Forecast") -> list[str]:
    seconds, measured = found.seconds, found.measured
    stored = "" if found.stored is None else f"  ({found.stored:,} of {found.replies:,} replies stored)"
    skipped = f" after {measured.skipped} not timed" if measured.skipped else ""
    return [
        "time",
        f"  loading                {tell_duration(seconds.load):>12}",
        f"  reference              {tell_duration(seconds.reference):>12}{stored}",
        f"  training               {tell_duration(seconds.training):>12}",
        f"  held-out checks        {tell_duration(seconds.checks):>12}",
        f"  together               {tell_duration(seconds.total):>12}  without evaluation and gate",
        f"  from {measured.steps} steps{skipped}: {measured.tokens:,} tokens in {measured.seconds:.3g} s",
    ]


def list_memory(found: "Forecast") -> list[str]:
    measured, parameters = found.measured, found.parameters
    lines = [
        "memory, GB                  weights  gradients     Adam  activations    together",
        *(
            f"  {name:<22} {tell_gb(need.weights):>12} {tell_gb(need.gradients):>10} {tell_gb(need.adam):>8} "
            f"{tell_gb(need.activations):>12} {tell_gb(need.total):>11}"
            for name, need in found.needs.items()
        ),
        f"  {parameters.total:,} parameters, {parameters.linear:,} of them in linear layers; "
        f"adapter {parameters.adapter:,}",
    ]
    if measured.peak is None:
        return [*lines, "  activations: this system does not tell what a step takes"]
    return [
        *lines,
        f"  measured at the longest batch ({measured.longest_tokens:,} tokens): {tell_gb(measured.peak)} GB "
        "with everything loaded",
    ]


def tell_gb(size: int | None) -> str:
    return "-" if size is None else f"{size / GB:.3g}"


def tell_duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
