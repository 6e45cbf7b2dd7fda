"""A base of each family, built when the first test asks for it, and a handful of choices for all."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.families.models import build_base
from tests.trainer.tiny import make_dataset


@pytest.fixture(scope="session")
def find_base(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a family's base by its name."""
    return cache(lambda name: build_base(tmp_path_factory.mktemp(name), name))


@pytest.fixture(scope="session")
def choices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six choices to learn from and two held out, of four replies each, with their pairs."""
    return make_dataset(tmp_path_factory.mktemp("choices"), train=6, validation=2, test=0)
