"""Prints the steps of a start for people: one line per step, with its duration.

On a terminal a spinner shows the current step; elsewhere a long step prints a line every 15 seconds.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

SAY_AGAIN_S = 15.0


class StepUnderWay:
    """A step in progress. `note` is the text of its finished line; `report` shows how far it is."""

    def __init__(self, name: str, progress: Callable[[str], None]) -> None:
        self.name = name
        self.note = ""
        self.report = progress


class Steps:
    """Prints steps as they finish; may be used from several threads."""

    def __init__(self, console: Console, *, timer: Callable[[], float] = time.monotonic) -> None:
        self.console = console
        self._timer = timer
        self._started = timer()
        self._lock = threading.Lock()

    def line(self, name: str, note: str, *, mark: str = "[green]✓[/]", took: float | None = None) -> None:
        elapsed = "" if took is None else f"  [dim]{took:.1f} s[/]"
        with self._lock:
            self.console.print(f"{mark} {name:<12} {escape(note)}{elapsed}", highlight=False, soft_wrap=True)

    def warn(self, name: str, note: str) -> None:
        self.line(name, note, mark="[yellow]![/]")

    def elapsed(self) -> float:
        return self._timer() - self._started

    @contextmanager
    def step(self, name: str) -> Iterator[StepUnderWay]:
        """Times the body. If the body raises, prints a cross and lets the exception pass."""
        began = self._timer()
        status = self.console.status(f"{name:<12}", spinner_style="cyan")
        last_said = began

        def progress(text: str) -> None:
            nonlocal last_said
            now = self._timer()
            status.update(f"{name:<12} {escape(text)}  [dim]{now - began:.0f} s[/]")
            if not self.console.is_terminal and now - last_said >= SAY_AGAIN_S:
                last_said = now
                self.line(name, text, mark="…", took=now - began)

        step = StepUnderWay(name, progress)
        try:
            with status:
                yield step
        except BaseException:
            self.line(name, "failed", mark="[red]✗[/]", took=self._timer() - began)
            raise
        self.line(name, step.note, took=self._timer() - began)
