"""The common frame of all benchmarks: command-line options with the docstring as help; a table for people,
then one JSON line; and clean-up on SIGTERM.
"""

import argparse
import contextlib
import json
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table


def make_parser(description: str | None) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def read_commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    return done.stdout.strip() or "unknown"


def print_report(
    bench: str, figures: dict[str, float | int | None], *, notes: dict[str, str] | None = None
) -> None:
    """Print `figures` by name with an optional note beside each, then the JSON line."""
    table = Table(title=f"bench.{bench} on {platform.machine()}, Python {platform.python_version()}")
    table.add_column("figure", overflow="fold")
    table.add_column("value", justify="right")
    table.add_column("what it is")
    for name, value in figures.items():
        shown = "-" if value is None else f"{value:.4g}"
        table.add_row(name, shown, (notes or {}).get(name, ""))
    Console().print(table)
    print(json.dumps({"bench": bench, "commit": read_commit(), "figures": figures}))


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
