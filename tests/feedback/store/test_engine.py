"""The unit of work on both databases: commits, rolls back, and turns a locked or full store into a typed
503.
"""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from feedback.errors import NotFound, StoreBusy, StoreFull
from feedback.store import engine as store_session
from feedback.store.engine import get_row, open_engine, read, sent_together, unit_of_work
from feedback.store.tables import Conversation, Desk
from tests.databases import START


def add_desk(session, name):
    session.add(Desk(id=name, name=name, created_at=START))
    session.flush()


def test_a_unit_of_work_commits_when_its_block_ends(store_engine):
    with unit_of_work(store_engine) as session:
        add_desk(session, "second")
    with read(store_engine) as session:
        assert session.get(Desk, "second").created_at == START


def test_an_exception_rolls_everything_back(store_engine):
    with pytest.raises(ZeroDivisionError), unit_of_work(store_engine) as session:
        add_desk(session, "second")
        _ = 1 / 0
    with read(store_engine) as session:
        assert session.get(Desk, "second") is None


def test_another_desks_row_does_not_exist(store_engine):
    with unit_of_work(store_engine) as session:
        add_desk(session, "second")
        session.add(Conversation(id="theirs", desk_id="second", created_at=START))
    with read(store_engine) as session, pytest.raises(NotFound) as refused:
        get_row(session, Conversation, "theirs", desk_id="default", what="conversation")
    assert refused.value.code == "conversation_not_found"


def test_sqlite_runs_with_a_rollback_journal_and_full_syncs(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'rejoinder.db'}")
    with read(engine) as session:
        found = {
            name: session.connection().exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        }
    assert found == {
        "journal_mode": "truncate",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 5000,
    }
    engine.dispose()


def test_a_writer_that_waits_too_long_is_told_that_the_store_is_busy(sqlite_engine, monkeypatch):
    monkeypatch.setattr(store_session, "PRAGMAS", ("busy_timeout=50",))
    impatient = open_engine(str(sqlite_engine.url))
    with unit_of_work(sqlite_engine) as session:
        add_desk(session, "second")
        with pytest.raises(StoreBusy) as refused, unit_of_work(impatient):
            pass
    impatient.dispose()
    assert (refused.value.status, refused.value.retry_after_s) == (503, 1)


@pytest.mark.real
def test_a_row_lock_that_does_not_come_is_a_busy_store(postgres_engine):
    with unit_of_work(postgres_engine) as session:
        session.connection().execute(text("SELECT 1 FROM desk FOR UPDATE"))
        with pytest.raises(StoreBusy), unit_of_work(postgres_engine) as other:
            other.connection().execute(text("SET LOCAL lock_timeout = 50"))
            other.connection().execute(text("SELECT 1 FROM desk FOR UPDATE"))


def test_a_full_disk_is_a_full_store_and_leaves_no_partial_row(sqlite_engine):
    with sqlite_engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    with pytest.raises(StoreFull) as refused, unit_of_work(sqlite_engine) as session:
        session.connection().exec_driver_sql(f"PRAGMA max_page_count={pages}")
        for number in range(2000):
            add_desk(session, f"desk-{number}-{'x' * 200}")
    assert refused.value.status == 503
    with read(sqlite_engine) as session:
        assert session.get(Desk, f"desk-0-{'x' * 200}") is None


@pytest.mark.real
def test_connections_that_the_server_dropped_while_they_rested_are_replaced(postgres_engine, monkeypatch):
    monkeypatch.setattr(store_session, "PING_AFTER_S", 0.0)
    with read(postgres_engine) as one, read(postgres_engine) as two:
        pids = {each.connection().execute(text("SELECT pg_backend_pid()")).scalar() for each in (one, two)}
    with read(postgres_engine) as third:
        left = (pids - {third.connection().execute(text("SELECT pg_backend_pid()")).scalar()}).pop()
        third.connection().execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": left})
        with read(postgres_engine) as session:
            assert session.connection().execute(text("SELECT pg_backend_pid()")).scalar() not in pids
            assert session.get(Desk, "default") is not None


def test_what_is_sent_together_is_there_afterwards_and_a_refusal_keeps_its_type(store_engine):
    new = text("INSERT INTO desk (id, name, created_at) VALUES (:id, :id, '2026-11-22 09:00:00')")
    with unit_of_work(store_engine) as session, sent_together(session.connection()):
        for number in range(3):
            session.connection().execute(new, {"id": f"desk-{number}"})
    with pytest.raises(IntegrityError), unit_of_work(store_engine) as session:
        with sent_together(session.connection()):
            session.connection().execute(new, {"id": "fourth"})
            session.connection().execute(new, {"id": "desk-0"})
    with read(store_engine) as session:
        ids = set(session.connection().execute(text("SELECT id FROM desk")).scalars())
    assert ids == {"default", "desk-0", "desk-1", "desk-2"}


@pytest.mark.real
def test_a_server_that_goes_while_writes_are_sent_together_is_a_busy_store(postgres_engine):
    with pytest.raises(StoreBusy), unit_of_work(postgres_engine) as session:
        connection = session.connection()
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        with read(postgres_engine) as other:
            other.connection().execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        with sent_together(connection):
            connection.execute(text("UPDATE desk SET name = 'x'"))
    with read(postgres_engine) as session:
        assert session.get(Desk, "default").name != "x"
