"""Live numbers of a training run: a bar for people, one JSON line per report for files, and both at once.

Knows neither torch nor the store; the child adds its own listener that writes rows.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Report:
    """Where a run stands after one optimiser step.

    `held_out_loss` only after a held-out check. `shift`: mean log-ratio of the preferred replies in nats; far
    below 0, what people chose becomes unlikely. `decision_loss`: where `loss` has terms that held-out checks
    leave out, the step's examples on their measure. `epoch_steps`: optimiser steps of an epoch.
    """

    step: int
    total: int
    loss: float
    margin: float
    accuracy: float
    seconds_left: float
    held_out_loss: float | None = None
    shift: float | None = None
    decision_loss: float | None = None
    epoch_steps: int | None = None


Listener = Callable[[Report], None]
# Called with (done, total) while something is counted that comes before the first step.
Counter = Callable[[int, int], None]


def write_progress(path: Path) -> Listener:
    """A listener that appends each report as one line of `progress.jsonl`."""

    def write(report: Report) -> None:
        with path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(report)) + "\n")

    return write


def tell_all(*listeners: Listener) -> Listener:
    def tell(report: Report) -> None:
        for listener in listeners:
            listener(report)

    return tell
