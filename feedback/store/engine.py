"""Opening the store and the unit of work on it; the one place that knows how the two databases differ.

SQLite: rollback journal, synchronous=FULL and BEGIN IMMEDIATE for every writing transaction, because WAL
has a corrupting race before 3.51.3 and a deferred transaction that turns to writing fails at once, whatever
the timeout. The journal is truncated, not deleted: then FULL syncs the commit itself, while deleting would
leave it to the directory's next sync. PostgreSQL: row locks; five seconds of waiting for one, then 503.

    with unit_of_work(engine) as session: ...   # commits on leaving, rolls back on an exception
    with read(engine) as session: ...           # never writes
    with read_connection(engine) as connection: ...   # one SELECT, no transaction around it

No network call belongs inside either. Locked and full stores become StoreBusy and StoreFull here and
nowhere else.
"""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy import ColumnElement, Connection, Engine, bindparam, create_engine, event, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import defer
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.sql.base import ExecutableOption
from sqlmodel import Session, SQLModel, select
from sqlmodel.sql.expression import SelectOfScalar

from feedback.errors import ApiError, NotFound, StoreBusy, StoreDamaged, StoreFull
from feedback.store.changes import notify_commit

LOCK_TIMEOUT_MS = 5_000
POOL_TIMEOUT_S = 1  # each thread has a connection; without one, fail before probes time out
FULL_FOR_S = 60.0  # seconds for which a write that found the disk full counts
CONNECTIONS, KEPT_OPEN = 64, 8
PING_AFTER_S = 2.0  # seconds after which an idle pooled connection is tested
PRAGMAS = (
    "journal_mode=TRUNCATE",
    "synchronous=FULL",
    f"busy_timeout={LOCK_TIMEOUT_MS}",
    "foreign_keys=ON",
    "secure_delete=ON",
    "mmap_size=0",
)
SQLITE_BUSY, SQLITE_LOCKED, SQLITE_FULL, SQLITE_IOERR, SQLITE_CANTOPEN = 5, 6, 13, 10, 14
SQLITE_CORRUPT, SQLITE_NOTADB = 11, 26
# Classes of PostgreSQL's error codes: connection, resources (53100 is a full disk), locks, a statement that
# was ended or a server that is.
POSTGRES_BUSY = ("08", "53", "40", "55P03", "57")
POSTGRES_FULL = "53100"

AT_ONCE = 500  # ids in one SQL statement

Item = TypeVar("Item")
Row = TypeVar("Row", bound=SQLModel)

_new_lock = threading.Lock()
_writer_locks: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()
_full: WeakKeyDictionary[Engine, tuple[StoreFull, float]] = WeakKeyDictionary()


def open_engine(url: str, *, connections: int = CONNECTIONS) -> Engine:
    """An engine for a SQLite file or a PostgreSQL server. Connects lazily; one per process.

    `connections` is how many may be open at once: at least as many as threads use the store.
    """
    limits = {
        "pool_size": KEPT_OPEN,
        "max_overflow": max(0, connections - KEPT_OPEN),
        "pool_timeout": POOL_TIMEOUT_S,
    }
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        engine = create_engine(address, **limits)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    options = f"-c lock_timeout={LOCK_TIMEOUT_MS} -c timezone=utc"
    engine = create_engine(address, connect_args={"options": options}, **limits)
    event.listen(engine, "checkin", _note_return)
    event.listen(engine, "checkout", _ping_rested)
    return engine


def _note_return(connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["returned"] = time.monotonic()


def _ping_rested(connection: Any, record: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
    """Tests a pooled connection that lay idle for a while, so that a restarted server is noticed. A
    connection used a moment ago is not tested, which saves a round trip.
    """
    returned = record.info.get("returned")
    if returned is None or time.monotonic() - returned < PING_AFTER_S:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.Error as lost:
        raise InvalidatePoolError from lost  # all of them: the pool makes new ones and asks again


def _prepare_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    connection.isolation_level = None  # transactions begin below, not inside the driver
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("looking", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writing", False) else "BEGIN")


@contextmanager
def unit_of_work(engine: Engine) -> Iterator[Session]:
    """A writing transaction: committed when the block ends, rolled back when it raises."""
    try:
        with mapped_errors(), _writer_turn(engine), Session(engine, expire_on_commit=False) as session:
            # Begin now: the lock is taken before anything is read.
            session.connection(execution_options={"writing": True})
            yield session
            session.commit()
    except StoreFull as full:
        _full[engine] = full, time.monotonic()
        raise
    _full.pop(engine, None)
    notify_commit(engine, session)


def last_full(engine: Engine) -> StoreFull | None:
    """The reason why the last write failed, if it failed within the last minute because the disk was full."""
    full, at = _full.get(engine, (None, 0.0))
    return full if time.monotonic() - at < FULL_FOR_S else None


@contextmanager
def read(engine: Engine) -> Iterator[Session]:
    """A reading transaction. Keep it short: on SQLite it holds up the next commit."""
    with mapped_errors(), Session(engine, expire_on_commit=False) as session:
        yield session


@contextmanager
def read_connection(engine: Engine) -> Iterator[Connection]:
    """A connection for one SELECT, which is a transaction by itself."""
    options: dict[str, Any] = {"looking": True}
    if engine.dialect.name != "sqlite":  # there `_begin_sqlite` begins nothing
        options["isolation_level"] = "AUTOCOMMIT"
    with mapped_errors(), engine.connect() as connection:
        yield connection.execution_options(**options)


@contextmanager
def sent_together(connection: Connection) -> Iterator[None]:
    """Sends writes whose results nobody reads to PostgreSQL in one batch instead of one by one; an error is
    raised on leaving the block. SQLite has no round trips to save.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        yield
        return
    try:
        with driver.pipeline():
            yield
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error, dialect=connection.dialect) from error


@contextmanager
def _writer_turn(engine: Engine) -> Iterator[None]:
    """Queues the writers of one process, since SQLite lets them poll for its lock, unfairly and slowly."""
    if engine.dialect.name != "sqlite":
        yield
        return
    turn = _writer_locks.get(engine)
    if turn is None:
        with _new_lock:
            turn = _writer_locks.setdefault(engine, threading.Lock())
    if not turn.acquire(timeout=LOCK_TIMEOUT_MS / 1_000):
        raise StoreBusy("other writers are first")
    try:
        yield
    finally:
        turn.release()


@contextmanager
def mapped_errors() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise StoreBusy("no free connection") from error
    except DBAPIError as error:
        refusal = refuse_as(error)
        if refusal is None:
            raise
        raise refusal from error


def refuse_as(error: DBAPIError) -> ApiError | None:
    """The 503 error that stands for a database failure, or None if the failure is a bug of ours."""
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        if code in (SQLITE_FULL, SQLITE_IOERR):
            return StoreFull(str(error.orig))
        if code in (SQLITE_CORRUPT, SQLITE_NOTADB):
            return StoreDamaged(str(error.orig))
        return StoreBusy(str(error.orig)) if code in (SQLITE_BUSY, SQLITE_LOCKED, SQLITE_CANTOPEN) else None
    state = getattr(error.orig, "sqlstate", None) or ""
    if state == POSTGRES_FULL:
        return StoreFull("disk full")
    if state.startswith(POSTGRES_BUSY):
        return StoreBusy(state)
    return StoreBusy("connection lost") if error.connection_invalidated or not state else None


def batched(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The items in lists short enough to name them in one SQL statement."""
    rest = iter(items)
    while batch := list(islice(rest, AT_ONCE)):
        yield batch


def of_desk(table: type[Row], desk_id: str) -> SelectOfScalar[Row]:
    """A query for the rows of one desk. Every query on a table with a desk starts here."""
    return select(table).where(table.desk_id == desk_id)  # type: ignore[attr-defined]


def columns_of(table: type[SQLModel], names: str) -> tuple[Any, ...]:
    """These columns of a table, for a query that does not read whole rows."""
    return tuple(getattr(table, name) for name in names.split())


def leave_out(columns: Sequence[Any]) -> list[ExecutableOption]:
    """Query options that leave these columns unread; reading such a column from the row later is an error."""
    return [defer(column, raiseload=True) for column in columns]


def get_row(
    session: Session,
    table: type[Row],
    id: str | int,
    *,
    desk_id: str,
    what: str,
    lock: bool = False,
    without: Sequence[Any] = (),
) -> Row:
    """One row of the desk by its key; raises NotFound(what) if it belongs to another desk or does not exist.

    `lock` holds the row until the transaction ends (PostgreSQL; SQLite has one writer anyway) and reads it
    afresh. `without` names large columns that are not needed.
    """
    query = _one_row(table, lock)
    if without:
        query = query.options(*leave_out(without))
    row: Row | None = session.exec(query, params={"key": id, "of_desk": desk_id}).one_or_none()
    if row is None:
        raise NotFound(what, str(id))
    return row


@cache
def _one_row(table: type[Row], lock: bool) -> Any:
    """The query for one row of a table, made once: making it costs more than running it."""
    (key,) = inspect(table).primary_key
    query = of_desk(table, bindparam("of_desk")).where(key == bindparam("key"))  # type: ignore[arg-type]
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return query


def save_row(session: Session, row: Row) -> Row:
    """Writes a new or changed row in the caller's transaction and returns it."""
    session.add(row)
    session.flush()
    return row


def within(at: Any, since: datetime | None, until: datetime | None = None) -> list[ColumnElement[bool]]:
    """The conditions that a time lies between these two, both included; None leaves an end open."""
    bounds = ((since, at.__ge__), (until, at.__le__))
    return [holds(bound) for bound, holds in bounds if bound is not None]
