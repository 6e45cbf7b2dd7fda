"""Commands as a person calls them: through click's runner, each test in a data directory of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rejoinder import main

Call = Callable[..., Result]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def call(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`call("token", "list")` in this test's data directory; faults that are no click errors come through."""
    for name in ("REJOINDER_DATA_DIR", "REJOINDER_CONFIG", "REJOINDER_FEEDBACK__DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str) -> Result:
        result = CliRunner().invoke(main, [*words, "--data-dir", str(data_dir)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def store(call: Call, data_dir: Path) -> Path:
    """A data directory with a migrated, empty store."""
    assert call("init").exit_code == 0
    return data_dir
