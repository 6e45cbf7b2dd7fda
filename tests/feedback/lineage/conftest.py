"""The chain of `tests/feedback/chain.py`: on both databases, and on SQLite alone."""

import pytest

from tests.feedback.chain import Chain


@pytest.fixture
def chain(desk, tmp_path):
    return Chain(desk, tmp_path)


@pytest.fixture
def small(sqlite_desk, tmp_path):
    return Chain(sqlite_desk, tmp_path)
