"""Live numbers of a training run: a listener gets each report, and one writes them to a file, a JSON line
each.

It knows neither torch nor the store; the child adds its own listener, which writes rows.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Report:
    """How far a run is after one optimizer step.

    `margin` and `accuracy`: only of objectives that compare replies. `held_out_loss` is set only after a
    held-out check. `shift`: mean log-ratio of the preferred replies in nats; far below 0, what people chose
    becomes unlikely. `decision_loss`: the step's loss without the terms
    that held-out checks leave out, if `loss` has such terms. `epoch_steps`: optimizer steps of an epoch.
    `stage`: of a recipe with stages, from 1; `step` and `total` are those of the whole run then.
    """

    step: int
    total: int
    loss: float
    margin: float | None
    accuracy: float | None
    seconds_left: float
    held_out_loss: float | None = None
    shift: float | None = None
    decision_loss: float | None = None
    epoch_steps: int | None = None
    stage: int | None = None


Listener = Callable[[Report], None]
# Called with (done, total) during work before the first step, such as computing references.
Counter = Callable[[int, int], None]


def write_progress(path: Path) -> Listener:
    """A listener that appends each report as one line to `progress.jsonl`."""

    def write(report: Report) -> None:
        with path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(report)) + "\n")

    return write


def fan_out(*listeners: Listener) -> Listener:
    def show(report: Report) -> None:
        for listener in listeners:
            listener(report)

    return show
