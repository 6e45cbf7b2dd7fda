"""What an installed Rejoinder consists of: every file of its packages, pages and recipes included."""

import subprocess
import sys
from pathlib import Path

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
