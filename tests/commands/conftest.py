"""Commands as a person calls them: through click's runner, each test in a data directory of its own."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rejoinder import main

Call = Callable[..., Result]
PLACES = ("REJOINDER_DATA_DIR", "REJOINDER_CONFIG", "REJOINDER_FEEDBACK__DATABASE_URL")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def call(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`call("token", "list")` in this test's data directory; faults that are no click errors come through."""
    for name in PLACES:
        monkeypatch.delenv(name, raising=False)

    def run(*words: str) -> Result:
        result = CliRunner().invoke(main, [*words, "--data-dir", str(data_dir)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `rejoinder init` makes. To take a store through all its versions takes as long as most tests."""
    path = tmp_path_factory.mktemp("initialised") / "var"
    done = CliRunner(env=dict.fromkeys(PLACES)).invoke(main, ["init", "--data-dir", str(path)])
    assert done.exit_code == 0, done.output
    return path


@pytest.fixture
def store(call: Call, initialised: Path, data_dir: Path) -> Path:
    """A data directory with a migrated, empty store."""
    shutil.copytree(initialised, data_dir, dirs_exist_ok=True)
    return data_dir
