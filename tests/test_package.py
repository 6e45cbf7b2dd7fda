"""What an installed Rejoinder consists of: every file of its packages, pages and recipes included, and the
libraries that each of its extras names.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import httpx
import pytest

from commands.instance import find_port
from tests.test_layers import OURS, list_imports, list_modules, name_module, top

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("commands", "demo", "feedback", "serving", "trainer")
BUILD = "import setuptools; setuptools.setup()"


def list_files(root: Path) -> set[str]:
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return {str(path) for path in found if "__pycache__" not in path.parts}


def test_a_build_holds_every_file_of_the_packages(tmp_path):
    place = tmp_path / "lib"
    command = [sys.executable, "-c", BUILD, "-q", "egg_info", "--egg-base", str(tmp_path)]
    command += ["build_py", "--build-lib", str(place)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    expected = {f"{name}/{path}" for name in PACKAGES for path in list_files(ROOT / name)}
    assert list_files(place) == expected | {"rejoinder.py"}
    for needed in (
        "demo/model/model.safetensors",
        "feedback/migrations/script.py.mako",
        "feedback/migrations/versions/0001_first_version.py",
        "feedback/static/workbench.js",
        "feedback/templates/workbench/desk.html",
        "feedback/translations/zh_Hans_CN/LC_MESSAGES/messages.mo",
        "trainer/recipes/demo.yaml",
    ):
        assert needed in expected


def list_named() -> dict[str, set[str]]:
    """What pyproject.toml names: `core`, and each extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = {"core": project["dependencies"], **project["optional-dependencies"]}
    return {
        extra: {re.split(r"[\[<>=]", name)[0].replace("-", "_").lower() for name in names}
        for extra, names in listed.items()
    }


def list_needed(*packages: str) -> set[str]:
    """The libraries that these packages import, and whatever of our own they import in turn."""
    paths = {
        name_module(path): path for path in list_modules("serving", "feedback", "trainer", "demo", "commands")
    }
    waiting = [name for name in paths if name.startswith(packages)]
    seen: set[str] = set()
    libraries: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in paths:
            continue
        seen.add(name)
        found = list_imports(paths[name], into_functions=True)
        waiting += [each for each in found if top(each) in OURS]
        libraries |= {top(each) for each in found} - set(OURS) - set(sys.stdlib_module_names)
    packages = {"yaml": "pyyaml", "stdnum": "python_stdnum"}  # that go by another name
    # Pydantic's own, and what demo/pretrained.py fetches beside the packaged base.
    return {packages.get(name, name) for name in libraries} - {"pydantic_core", "gguf"}


def test_each_extra_names_exactly_what_its_part_imports_beyond_the_common_list():
    named = list_named()
    web, train = list_needed("feedback", "commands.up.web"), list_needed("trainer", "demo")
    said = {
        top(name)
        for path in list_modules("commands", "serving")
        for name in list_imports(path, into_functions=True)
    }
    core = (web & train) | (said & {"alembic", "click", "psutil", "rich"})

    assert named["core"] == core
    assert named["web"] == web - core
    assert named["train"] == train - core
    assert named["qlora"] == {"bitsandbytes"}
    assert named["serve"] == {"vllm"}


@pytest.mark.real
def test_the_web_alone_answers_in_an_environment_without_torch(tmp_path):
    """As docs/runbook.md says it: `pip install --constraint`, `rejoinder init`, the web."""
    source, place, data = tmp_path / "source", tmp_path / "venv", tmp_path / "var"
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "rejoinder.py"):
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(place / "bin" / "python"),
        "install",
        "-q",
        "--no-compile",
    ]
    subprocess.run(
        [*pip, "--constraint", str(ROOT / "requirements" / "cpu.txt"), f"{source}[web]"], check=True
    )
    port = find_port("127.0.0.1", 0)
    environment = {**os.environ, "REJOINDER_DATA_DIR": str(data)}
    subprocess.run([place / "bin" / "rejoinder", "init"], env=environment, cwd=tmp_path, check=True)
    argv = [place / "bin" / "python", "-m", "commands.up.web"]
    listens = {"REJOINDER_FEEDBACK__PORT": str(port)}
    web = subprocess.Popen(argv, env=environment | listens, cwd=tmp_path)

    def answers() -> bool:
        assert web.poll() is None
        try:
            return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60, trust_env=False).json() == {
                "live": True
            }
        except httpx.TransportError:
            return False

    try:
        until = time.monotonic() + 60
        while not answers():
            assert time.monotonic() < until, "the web never answered"
            time.sleep(0.1)
    finally:
        web.terminate()
        web.wait(timeout=30)
    assert not list(place.rglob("site-packages/torch")) and list(place.rglob("site-packages/flask"))
