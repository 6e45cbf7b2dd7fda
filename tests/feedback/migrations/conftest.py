"""An empty store to upgrade, on each database."""

import pytest

from feedback.store.engine import open_engine


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def empty_engine(request, tmp_path):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'new' / 'rejoinder.db'}"
        (tmp_path / "new").mkdir()
    else:
        url = request.getfixturevalue("postgres_database")
    engine = open_engine(url)
    yield engine
    engine.dispose()
