"""Fixtures of the web and of deploying: `desk` and `plant_on_both` run once on each database, `sqlite_desk`
and `plant` where the database makes no difference.
"""

import pytest

from tests.feedback.desk import Desk, make_desk
from tests.feedback.plant import Plant, build


@pytest.fixture
def desk(store_engine, tmp_path) -> Desk:
    return make_desk(store_engine, tmp_path)


@pytest.fixture
def sqlite_desk(sqlite_engine, tmp_path) -> Desk:
    return make_desk(sqlite_engine, tmp_path)


@pytest.fixture
def plant(sqlite_engine, fake_engine, fake_fleet, tmp_path) -> Plant:
    return build(sqlite_engine, fake_engine, tmp_path, fake_fleet)


@pytest.fixture
def plant_on_both(store_engine, fake_engine, fake_fleet, tmp_path) -> Plant:
    return build(store_engine, fake_engine, tmp_path, fake_fleet)
