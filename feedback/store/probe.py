"""Tells within a second whether the store can be written to, for health probes, which write nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text
from sqlmodel import Session, SQLModel, col, select

from feedback.store.engine import LOCK_TIMEOUT_MS, last_full, mapped_errors, read, read_connection
from feedback.store.tables import DEFAULT_DESK, Desk

PATIENCE_MS = 1_000
HASTE_MS = 100  # of who knows already that something is locked
_TOUCH = text("UPDATE desk SET name = name WHERE id = :id")


def probe_store(engine: Engine) -> bool:
    """Whether the desk exists. Raises StoreBusy if the store is locked and StoreFull if it has no room, as
    seen by a write of the last minute or by a trial write that is rolled back.
    """
    full = last_full(engine)
    found = _probe_sqlite(engine) if engine.dialect.name == "sqlite" else _probe_postgres(engine)
    if full is not None:
        raise full
    return found


@contextmanager
def read_in_haste(engine: Engine) -> Iterator[Session]:
    """A reading transaction that hardly waits for a lock, for when the store is known to be locked."""
    with read(engine) as session, _waiting_at_most(HASTE_MS, session.connection()):
        yield session


def _probe_sqlite(engine: Engine) -> bool:
    with read_connection(engine) as connection, _waiting_at_most(PATIENCE_MS, connection):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            connection.execute(_TOUCH, {"id": DEFAULT_DESK})
            return _has_desk(connection)
        finally:
            if connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
                connection.exec_driver_sql("ROLLBACK")


def _probe_postgres(engine: Engine) -> bool:
    """Takes the locks with which every write begins: it fails if somebody blocks writes to the tables."""
    quote = engine.dialect.identifier_preparer.format_table
    tables = ", ".join(quote(table) for table in SQLModel.metadata.sorted_tables)
    with mapped_errors(), engine.connect() as connection, connection.begin() as trying:
        with _waiting_at_most(PATIENCE_MS, connection):
            connection.exec_driver_sql(f"LOCK TABLE {tables} IN ROW EXCLUSIVE MODE")
        found = _has_desk(connection)
        trying.rollback()
    return found


@contextmanager
def _waiting_at_most(patience_ms: int, connection: Connection) -> Iterator[None]:
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {patience_ms}")
        yield
        return
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {patience_ms}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {LOCK_TIMEOUT_MS}")


def _has_desk(connection: Connection) -> bool:
    return connection.execute(select(col(Desk.id)).where(col(Desk.id) == DEFAULT_DESK)).first() is not None
