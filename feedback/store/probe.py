"""Whether the store could be written to just now, said within a second: for probes, which write nothing."""

from sqlalchemy import Connection, Engine, text
from sqlmodel import col, select

from feedback.store.engine import LOCK_TIMEOUT_MS, last_full, look, mapped_errors
from feedback.store.tables import DEFAULT_DESK, Desk

PATIENCE_MS = 1_000
_TOUCH = text("UPDATE desk SET name = name WHERE id = :id")


def probe_store(engine: Engine) -> bool:
    """Whether the desk is there. Raises StoreBusy where the store is locked, StoreFull where there is no
    room: as a write of the last minute found, or as the one does that is tried here and taken back.
    """
    full = last_full(engine)
    if engine.dialect.name == "sqlite":
        found = _probe_sqlite(engine)
    else:
        with mapped_errors(), engine.connect() as connection, connection.begin():
            connection.execute(text(f"SET LOCAL statement_timeout = {PATIENCE_MS}"))
            found = _has_desk(connection)
    if full is not None:
        raise full
    return found


def _probe_sqlite(engine: Engine) -> bool:
    with look(engine) as connection:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                connection.execute(_TOUCH, {"id": DEFAULT_DESK})
                return _has_desk(connection)
            finally:
                if connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
                    connection.exec_driver_sql("ROLLBACK")
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {LOCK_TIMEOUT_MS}")


def _has_desk(connection: Connection) -> bool:
    return connection.execute(select(col(Desk.id)).where(col(Desk.id) == DEFAULT_DESK)).first() is not None
