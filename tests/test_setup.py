"""Which Python `requirements/setup.sh` takes, and what it says of those that it passes over.

The Pythons here are stand-ins that make an environment of themselves and offer torch or do not.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STAND_IN = """#!/usr/bin/env bash
case "$*" in
  -V) echo "Python VERSION" ;;
  "-c import sys"*) echo VERSION ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$(realpath "$0")" "$3/bin/python" ;;
  *pip*torch==*) OFFERS || { echo "ERROR: ANSWER"; exit 1; } ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The script beside a lock of torch alone; stand-ins go into `bin`."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "requirements" / "setup.sh", tmp_path / "requirements")
    (tmp_path / "requirements" / "cpu.txt").write_text("torch==2.13.0+cpu\n")
    (tmp_path / "pyproject.toml").touch()
    for name in ("python3", "python"):  # else those of this machine would answer
        add_python(tmp_path, name, "3.9", offers=True)
    return tmp_path


def add_python(checkout: Path, name: str, version: str, *, offers: bool) -> None:
    path = checkout / "bin" / name
    # What pip says where it has no constraints, and where it has some.
    answer = "Cannot install torch==2.13.0+cpu" if version == "3.13" else "No matching distribution found"
    told = {"VERSION": version, "OFFERS": "true" if offers else "false", "ANSWER": answer}
    path.write_text(re.sub("VERSION|OFFERS|ANSWER", lambda word: told[word[0]], STAND_IN))
    path.chmod(0o755)


def set_up(checkout: Path) -> subprocess.CompletedProcess[str]:
    path = f"{checkout / 'bin'}:{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHON", "VENV")}
    command = ["bash", checkout / "requirements" / "setup.sh"]
    environment = kept | {"PATH": path, "LOCK": "requirements/cpu.txt"}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def read_version(checkout: Path) -> str:
    command = [checkout / ".venv" / "bin" / "python", "-V"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_newest_python_with_the_locked_torch_is_taken_and_newer_ones_are_told_of(checkout: Path) -> None:
    for version, offers in (("3.11", True), ("3.12", True), ("3.13", False)):
        add_python(checkout, f"python{version}", version, offers=offers)
    done = set_up(checkout)

    assert done.returncode == 0, done.stderr
    assert read_version(checkout) == "Python 3.12"
    assert "passed over Python 3.13: the index offers no torch==2.13.0+cpu for it" in done.stdout
    assert "passed over Python 3.12" not in done.stdout


def test_a_whole_environment_keeps_its_python(checkout: Path) -> None:
    add_python(checkout, "python3.11", "3.11", offers=True)
    for version in ("3.12", "3.13"):
        add_python(checkout, f"python{version}", version, offers=False)
    assert set_up(checkout).returncode == 0
    add_python(checkout, "python3.13", "3.13", offers=True)
    (checkout / "pyproject.toml").write_text("# changed\n")

    assert set_up(checkout).returncode == 0
    assert read_version(checkout) == "Python 3.11"


def test_without_a_python_of_the_three_it_says_which_it_needs(checkout: Path) -> None:
    for version in ("3.11", "3.12", "3.13"):
        add_python(checkout, f"python{version}", "3.14", offers=True)
    done = set_up(checkout)

    assert done.returncode == 1
    assert "setup needs Python 3.11, 3.12 or 3.13" in done.stderr


def test_it_fails_where_no_index_has_the_locked_torch(checkout: Path) -> None:
    for version in ("3.11", "3.12", "3.13"):
        add_python(checkout, f"python{version}", version, offers=False)
    done = set_up(checkout)

    assert done.returncode == 1
    assert "passed over Python 3.11" in done.stdout
    assert "is the network up?" in done.stderr
