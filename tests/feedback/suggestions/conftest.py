"""Fixtures of sets in preparation: `desk` on SQLite, `desk_on_both` once on each database, `versions` with a
live adapter, a canary and sets of both.
"""

from concurrent.futures import wait

import pytest

from feedback.store.engine import unit_of_work
from tests.feedback.builders import add_system_prompt
from tests.feedback.set_desk import NEW, OLD, build


@pytest.fixture
def desk(sqlite_engine, fake_engine, tmp_path):
    with unit_of_work(sqlite_engine) as session:
        add_system_prompt(session)
    desk = build(sqlite_engine, fake_engine, tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def desk_on_both(store_engine, fake_engine, tmp_path):
    desk = build(store_engine, fake_engine, tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def clock_alone(monkeypatch):
    """Requests end by the desk's clock, however long that takes on a busy machine."""
    monkeypatch.setattr("feedback.suggestions.generation.wait", lambda asked, timeout: wait(asked))


@pytest.fixture
def versions(store_engine, fake_engine, tmp_path):
    desk = build(store_engine, fake_engine, tmp_path, compare_share=1.0)
    desk.deploy(OLD, role="live")
    desk.deploy(NEW)
    yield desk
    desk.close()
