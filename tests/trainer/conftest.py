"""The tiny base, a small dataset and one adapter trained on it, made once for all tests of the trainer."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.trainer.tiny import make_base, make_dataset
from trainer.progress import Report
from trainer.recipes.recipe import Recipe

TINY = Recipe(
    name="tiny",
    objective="dpo",
    learning_rate=1e-2,
    epochs=2,
    batch_size=12,
    rank=4,
    alpha=8,
    max_length=128,
    checkpoint_steps=5,
    patience=0,
    threads=1,
)


class Trained(NamedTuple):
    adapter_dir: Path
    metrics: dict
    reports: list[Report]
    run: Path


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture
def recipe() -> Recipe:
    """12 steps with a checkpoint every 5."""
    return TINY


@pytest.fixture(scope="session")
def trained(base: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    from trainer.training.train import train

    reports: list[Report] = []
    run = tmp_path_factory.mktemp("run")
    result = train(dataset, base, TINY, run, reports.append)
    return Trained(result.adapter_dir, result.metrics, reports, run)
