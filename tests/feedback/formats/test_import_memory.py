"""The memory of an import does not grow with its file: measured in processes of their own."""

import json
import subprocess
import sys

import pytest

from tests.feedback.formats.samples import SAMPLES

PROGRAM = """
import resource, sys
from pathlib import Path
from feedback.clock import SystemClock
from feedback.formats.importer import import_file
from feedback.migrations import upgrade
from feedback.store.desks import ensure_desk
from feedback.store.engine import open_engine, unit_of_work

path, store = Path(sys.argv[1]), f"sqlite:///{sys.argv[2]}"
upgrade(store)
engine = open_engine(store)
with unit_of_work(engine) as session:
    ensure_desk(session, now=SystemClock().now())
report = import_file(engine, path, clock=SystemClock())
engine.dispose()
print(report.accepted, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def write_many(path, lines, form):
    """Pairs as an array, or messages as rows of CSV; written without holding them."""
    pair = SAMPLES["OpenAI preference"][0]
    with path.open("w") as file:
        if form == "rows":
            file.write("ticket,role,text\n")
            for number in range(lines):
                file.write(f"{number % (lines // 4)},{('customer', 'agent')[number % 2]},Words {number}\n")
            return
        file.write("[")
        for number in range(lines):
            file.write(json.dumps(pair | {"id": number}) + (",\n" if number < lines - 1 else "]"))


@pytest.mark.parametrize("form", ["array", "rows"])
def test_forty_thousand_lines_need_at_most_a_fifth_more_than_four_thousand(tmp_path, form):
    peaks = []
    for lines in (4_000, 40_000):
        path = tmp_path / f"{lines}.txt"
        write_many(path, lines, form)
        command = [sys.executable, "-c", PROGRAM, str(path), str(tmp_path / f"{lines}.db")]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        accepted, peak = map(int, done.stdout.split())
        assert accepted == (lines if form == "array" else lines // 4)
        peaks.append(peak)
    assert peaks[1] <= 1.2 * peaks[0], peaks
