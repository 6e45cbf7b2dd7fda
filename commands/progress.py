"""Shows the progress of long work on standard error: a bar on a terminal, otherwise a plain line every 25
seconds.

Nothing is shown if a command answers in JSON. The command reports what is being done, and how much of how
much.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from commands.forecast import format_duration
from feedback.clock import Clock, SystemClock

LINE_EVERY_S = 25.0  # a line may be late, yet the log has one every half minute


class LongWork:
    """The progress of one long task. Call `report` from any thread, as often as you like."""

    def __init__(self, unit: str = "", clock: Clock | None = None) -> None:
        """`unit` is what is counted (`bytes` for sizes); without a unit the numbers are shares."""
        self._unit = unit
        self._clock = clock or SystemClock()
        self._started = self._clock.monotonic()
        self._step_began, self._had = self._started, 0.0
        self.on_change: Callable[[], None] = lambda: None
        self.step, self.note, self.done, self.total = "", "", 0.0, 1.0

    def report(self, done: float, total: float = 1.0, *, step: str = "", note: str = "") -> None:
        if step != self.step:
            self._step_began, self._had = self._clock.monotonic(), done
        self.step, self.note, self.done, self.total = step, note, done, total
        self.on_change()

    def count(self) -> str:
        """Text such as `1,200 of 5,000 records`; empty if only a share is known."""
        if not self._unit or self.total == 1.0:
            return ""
        if self._unit == "bytes":
            return f"{decimal(int(self.done))} of {decimal(int(self.total))}"
        return f"{self.done:,.0f} of {self.total:,.0f} {self._unit}"

    def seconds_left(self) -> float | None:
        """Seconds left of this step at its pace so far; None if it has made no progress yet."""
        made, spent = self.done - self._had, self._clock.monotonic() - self._step_began
        return spent * (self.total - self.done) / made if made > 0 else None

    def describe(self) -> str:
        """The progress as one line for a log."""
        share = f"{self.done / self.total:.0%}" if self.total else ""
        left = self.seconds_left()
        told = (self.step, self.count(), share, left and f"about {format_duration(left)} left", self.note)
        elapsed = format_duration(self._clock.monotonic() - self._started)
        return f"after {elapsed}: {', '.join(each for each in told if each)}"


@contextmanager
def show_work(title: str, unit: str = "", *, quiet: bool = False) -> Iterator[LongWork]:
    """Yields a `LongWork` and shows its progress until the block ends."""
    work, console = LongWork(unit), Console(stderr=True)
    work.step = title
    if quiet:
        yield work
    elif console.is_terminal:
        with _show_bar(work, console):
            yield work
    else:
        over = threading.Event()
        thread = threading.Thread(target=print_work_lines, args=(work, over.wait), daemon=True)
        thread.start()
        try:
            yield work
        finally:
            over.set()
            thread.join()


def print_work_lines(work: LongWork, wait: Callable[[float], bool]) -> None:
    """Prints a line after each wait, even without news; `wait` returns true when the work is over."""
    while not wait(LINE_EVERY_S):
        click.echo(work.describe(), err=True)


@contextmanager
def _show_bar(work: LongWork, console: Console) -> Iterator[None]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        row = bar.add_task(work.step, total=1.0, count="", note="")

        def show() -> None:
            told: dict[str, Any] = {"description": work.step, "count": work.count(), "note": work.note}
            bar.update(row, completed=work.done, total=work.total, **told)

        work.on_change = show
        yield
