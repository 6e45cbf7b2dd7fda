"""Two stores that are alike, so that what comes of each can be compared byte for byte."""

import shutil

import pytest

from feedback.store.engine import open_engine


@pytest.fixture
def stores(prepared_sqlite, tmp_path):
    """Two stores alike, one for each way round."""
    engines = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        shutil.copy(prepared_sqlite, tmp_path / name / "rejoinder.db")
        engines.append((open_engine(f"sqlite:///{tmp_path / name / 'rejoinder.db'}"), tmp_path / name))
    yield engines
    for engine, _ in engines:
        engine.dispose()
