"""Live numbers of a training run: a bar for people, one JSON line per report for files, and both at once.

Knows neither torch nor the store; the child adds its own listener that writes rows.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@dataclass(frozen=True)
class Report:
    """Where a run stands after one optimiser step.

    `held_out_loss` only after a held-out check. `shift`: mean log-ratio of the preferred replies in nats; far
    below 0, what people chose becomes unlikely.
    """

    step: int
    total: int
    loss: float
    margin: float
    accuracy: float
    seconds_left: float
    held_out_loss: float | None = None
    shift: float | None = None


Listener = Callable[[Report], None]


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


@contextmanager
def show_bar(console: Console | None = None) -> Iterator[Listener]:
    """A listener that draws steps, loss, margin, accuracy and time left.

    Off a terminal it draws only the end.
    """
    columns = (
        TextColumn("train"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(
            "loss {task.fields[loss]:.3f}  margin {task.fields[margin]:+.2f}  "
            "accuracy {task.fields[accuracy]:.0%}"
        ),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console or Console(stderr=True)) as bar:
        task = bar.add_task("train", total=None, loss=0.0, margin=0.0, accuracy=0.0)

        def draw(report: Report) -> None:
            bar.update(
                task,
                completed=report.step,
                total=report.total,
                loss=report.loss,
                margin=report.margin,
                accuracy=report.accuracy,
            )

        yield draw
