"""The common frame of all benchmarks: command-line options with the docstring as help; a table for people,
then one JSON line; and clean-up on SIGTERM.
"""

import argparse
import contextlib
import json
import platform
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

FigureValues = dict[str, float | int | None]


@dataclass
class NotedFigures:
    """Figures by name, and notes that say what some of them are."""

    figures: FigureValues = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, value: float | int | None, note: str = "") -> None:
        self.figures[name] = value
        if note:
            self.notes[name] = note


def make_parser(description: str | None) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def read_commit() -> str:
    if shutil.which("git") is None:
        return "unknown"
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    return done.stdout.strip() or "unknown"


def print_report(
    bench: str,
    figures: FigureValues,
    *,
    notes: dict[str, str] | None = None,
    versions: dict[str, str] | None = None,
) -> None:
    """Print `figures` by name with an optional note beside each, then the JSON line. `versions` are those of
    what it was measured against.
    """
    title = f"bench.{bench} on {platform.machine()}, Python {platform.python_version()}"
    table = Table(title=", ".join([title, *(f"{name} {found}" for name, found in (versions or {}).items())]))
    table.add_column("figure", overflow="fold")
    table.add_column("value", justify="right")
    table.add_column("what it is")
    for name, value in figures.items():
        shown = "-" if value is None else f"{value:.4g}"
        table.add_row(name, shown, (notes or {}).get(name, ""))
    Console().print(table)
    line = {"bench": bench, "commit": read_commit(), "figures": figures}
    print(json.dumps(line | ({"versions": versions} if versions else {})))


@contextlib.contextmanager
def ending_on_term() -> Iterator[None]:
    """Turns SIGTERM into an exception inside the block, so that every `finally` runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
