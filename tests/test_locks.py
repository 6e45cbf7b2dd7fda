"""Each lock can be had for each Python that it is said to serve: pip asks the index and downloads nothing.

Without torch: its CPU builds lie in an index of their own, where `requirements/setup.sh` looks for them.
"""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
PYTHONS = ("3.11", "3.12", "3.13")


def read_pins(name: str) -> set[str]:
    lines = (REQUIREMENTS / name).read_text(encoding="utf-8").splitlines()
    return {line for line in lines if re.match(r"[A-Za-z0-9]", line) and not line.startswith("torch==")}


def resolve(folder: Path, python: str, pins: set[str]) -> subprocess.CompletedProcess[str]:
    """The answer of pip for this Python. `fast-deps`: it reads of a wheel no more than that."""
    lock = folder / "lock.txt"
    folder.mkdir()
    lock.write_text("\n".join(sorted(pins)), encoding="utf-8")
    options = ["--dry-run", "--no-deps", "--only-binary=:all:", "--python-version", python, "--retries", "2"]
    command = [sys.executable, "-m", "pip", "install", "-q", *options, "--use-feature=fast-deps"]
    return subprocess.run([*command, "--target", folder, "-r", lock], capture_output=True, text=True)


def test_every_lock_resolves_for_every_python(tmp_path: Path) -> None:
    cpu, dev, cuda = (read_pins(name) for name in ("cpu.txt", "dev.txt", "cuda.txt"))
    reached = resolve(
        tmp_path / "reached", PYTHONS[0], {next(pin for pin in cpu if pin.startswith("click=="))}
    )
    if reached.returncode != 0:
        pytest.skip(f"no package index can be reached: {reached.stderr.strip().splitlines()[-1]}")
    # Set-up has asked for this Python; and what the CUDA lock shares with the other is asked once.
    running = "{}.{}".format(*sys.version_info)
    asked = [(python, cpu | dev) for python in PYTHONS if python != running]
    asked += [(python, cuda - cpu) for python in PYTHONS]
    with ThreadPoolExecutor(len(asked)) as pool:
        jobs = [
            pool.submit(resolve, tmp_path / str(place), python, pins)
            for place, (python, pins) in enumerate(asked)
        ]
        answers = [job.result() for job in jobs]

    failed = [answer.stderr[-2000:] for answer in answers if answer.returncode != 0]
    assert failed == []
