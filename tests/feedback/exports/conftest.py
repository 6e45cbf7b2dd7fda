"""The tiny random model of the trainer's tests, for the libraries that read our exports."""

from pathlib import Path

import pytest

from tests.trainer.tiny import make_base


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("base"))
