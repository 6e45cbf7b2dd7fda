"""The databases of the tests themselves."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from tests.databases import close_left_open


@contextmanager
def holding(engine) -> Iterator[threading.Event]:
    """A thread has a connection in the middle of a transaction until the event."""
    begun, release = threading.Event(), threading.Event()

    def hold() -> None:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            begun.set()
            release.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert begun.wait(30)
    yield release
    thread.join(30)
    assert not thread.is_alive()


@pytest.mark.real
def test_a_connection_that_a_thread_gives_back_after_its_engine_is_gone_is_closed(postgres_engine):
    with holding(postgres_engine) as release:
        postgres_engine.dispose()
        threading.Timer(0.1, release.set).start()
        close_left_open("prepared")
        assert release.is_set()
    gc.collect()  # an open connection would be told here, and warnings are errors
