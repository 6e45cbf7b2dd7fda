"""The tiny base and a small dataset, made once for all tests of the trainer."""

from pathlib import Path

import pytest

from tests.trainer.tiny import make_base, make_dataset
from trainer.recipe import Recipe


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture
def recipe() -> Recipe:
    """12 steps with a checkpoint every 5."""
    return Recipe(
        name="tiny", learning_rate=1e-2, epochs=2, batch_size=12, rank=4, alpha=8, max_length=128, checkpoint_steps=5,
        patience=0, threads=1,
    )  # fmt: skip
