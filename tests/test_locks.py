"""Each lock can be had for each Python that it is said to serve: the index has a wheel of each pin.

Without torch: its CPU builds lie in an index of their own, where `requirements/setup.sh` looks for them.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
PYTHONS = "3.11,3.12,3.13"


def read_pins(name: str) -> set[str]:
    lines = (REQUIREMENTS / name).read_text(encoding="utf-8").splitlines()
    return {line for line in lines if re.match(r"[A-Za-z0-9]", line) and not line.startswith("torch==")}


def list_missing(*pins: str) -> list[str]:
    command = [sys.executable, "-m", "tests.wheels", PYTHONS, *pins]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def test_every_lock_resolves_for_every_python() -> None:
    pins = sorted(read_pins("cpu.txt") | read_pins("dev.txt") | read_pins("cuda.txt"))
    if list_missing(next(pin for pin in pins if pin.startswith("click=="))):
        pytest.skip("no package index can be reached")
    assert list_missing("click==0.0", *pins) == [f"click==0.0 {python}" for python in PYTHONS.split(",")]
