"""Fixtures of the web: `desk` runs once on each database, `sqlite_desk` where the database makes no
difference.
"""

import pytest

from tests.feedback.desk import Desk, make_desk


@pytest.fixture
def desk(store_engine, tmp_path) -> Desk:
    return make_desk(store_engine, tmp_path)


@pytest.fixture
def sqlite_desk(sqlite_engine, tmp_path) -> Desk:
    return make_desk(sqlite_engine, tmp_path)
