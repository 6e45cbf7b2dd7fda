"""Both databases for tests: a SQLite file and a real PostgreSQL server that the run starts for itself.

    def test_x(store_engine): ...       # once on each database, fresh tables, the desk is there
    def test_y(sqlite_engine): ...      # SQLite alone, where the database makes no difference

The server lives in a directory of its own, listens on a unix socket there, runs as `postgres` when the
tests run as root, and is stopped at the end. Where PostgreSQL is not installed, its half is skipped and
says so.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, Pool, create_engine, event, text
from sqlmodel import SQLModel

import feedback.store.engine
from bench.postgres import find_programs
from feedback.store import tables
from feedback.store.desks import ensure_desk
from feedback.store.engine import open_engine, unit_of_work

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SETTINGS = (
    *("fsync=off", "full_page_writes=off", "checkpoint_timeout=1h"),
    *("listen_addresses=", "max_connections=200", "log_min_messages=fatal"),
)
AT_WORK = (TransactionStatus.ACTIVE, TransactionStatus.INTRANS, TransactionStatus.INERROR)
RESTART_NUMBERS = """SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)
    FROM pg_sequences WHERE last_value IS NOT NULL"""
# In one piece, which goes to the server and back once; in any order, since no foreign key is looked at.
EMPTY = "; ".join(
    [
        "SET LOCAL session_replication_role = replica",
        *(str(table.delete()) for table in SQLModel.metadata.sorted_tables),
        RESTART_NUMBERS,
    ]
)

feedback.store.engine.LOCK_TIMEOUT_MS = 60_000  # writers of a busy machine wait for their turn
assert tables.DEFAULT_DESK  # importing the tables fills the metadata


def as_server_user(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Socket directory of a running server that has the database `prepared` with all tables and the desk."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (no initdb in /usr/lib/postgresql/*/bin)")
    home = Path(tempfile.mkdtemp(prefix="rejoinder-pg-"))
    data = home / "data"
    try:
        if os.geteuid() == 0:
            shutil.chown(home, "postgres", "postgres")
        options = " ".join([*(f"-c {setting}" for setting in SETTINGS), f"-k {home}"])
        start = [
            str(programs / "pg_ctl"),
            "-D",
            str(data),
            "-w",
            "-l",
            str(home / "log"),
            "-o",
            options,
            "start",
        ]
        initdb = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-N"]
        for command in ([*initdb, "-E", "UTF8", "--locale=C"], start):
            subprocess.run(as_server_user(command), check=True, cwd="/", stdout=subprocess.DEVNULL)
        with administrate(str(home)) as admin:
            admin.execute(text("CREATE DATABASE prepared"))
        prepare(postgres_url(str(home), "prepared"))
        yield str(home)
    finally:
        stop = [str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"]
        subprocess.run(as_server_user(stop), check=False, cwd="/", stdout=subprocess.DEVNULL)
        shutil.rmtree(home, ignore_errors=True)


def postgres_url(home: str, database: str) -> str:
    return f"postgresql+psycopg://postgres@/{database}?host={home}"


def administrate(home: str):
    """A connection that may create and drop databases."""
    engine = create_engine(postgres_url(home, "postgres"), isolation_level="AUTOCOMMIT")
    return _Administration(engine)


class _Administration:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self):
        self._connection = self._engine.connect()
        return self._connection

    def __exit__(self, *failure: object) -> None:
        self._connection.close()
        self._engine.dispose()


_opened: list[tuple[str, psycopg.Connection]] = []


@event.listens_for(Pool, "connect")
def remember(connection: object, _: object) -> None:
    if isinstance(connection, psycopg.Connection):
        _opened.append((connection.info.dbname, connection))


def close_left_open(database: str) -> None:
    """Closes what threads of a test still hold, once their transaction is over.

    An engine that was disposed of forgets such a connection. Some later test would fail for it, whenever
    the garbage collector finds it open.
    """
    until = time.monotonic() + 10
    for name, connection in _opened:
        if name == database:
            while connection.info.transaction_status in AT_WORK and time.monotonic() < until:
                time.sleep(0.01)
            connection.close()
    _opened[:] = [each for each in _opened if not each[1].closed]


def prepare(url: str) -> None:
    """All tables and the desk."""
    engine = open_engine(url)
    SQLModel.metadata.create_all(engine)
    with unit_of_work(engine) as session:
        ensure_desk(session, now=START)
    engine.dispose()


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[str]:
    """URL of a new empty database on the server."""
    name = f"t{uuid4().hex}"
    with administrate(postgres_server) as admin:
        admin.execute(text(f"CREATE DATABASE {name}"))
    yield postgres_url(postgres_server, name)
    close_left_open(name)
    with administrate(postgres_server) as admin:
        admin.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def prepared_postgres(postgres_server: str) -> Iterator[Engine]:
    engine = open_engine(postgres_url(postgres_server, "prepared"))
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_engine(prepared_postgres: Engine) -> Iterator[Engine]:
    """The prepared database, emptied but for the desk.

    TRUNCATE makes new files for every table and index: many times as slow as to delete a test's few rows.
    Each test has an engine of its own, with its own listeners; what all of them share is the SQL they
    compiled, and a pool without connections.
    """
    engine = prepared_postgres.execution_options()
    with engine.begin() as connection:
        connection.execution_options(no_parameters=True).exec_driver_sql(EMPTY)
    with unit_of_work(engine) as session:
        ensure_desk(session, now=START)
    yield engine
    engine.dispose()
    close_left_open("prepared")


@pytest.fixture(scope="session")
def prepared_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "prepared.db"
    prepare(f"sqlite:///{path}")
    return path


@cache
def read_empty_store() -> bytes:
    """A SQLite file with all tables and no row."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        engine = open_engine(f"sqlite:///{path}")
        SQLModel.metadata.create_all(engine)
        engine.dispose()
        return path.read_bytes()


def open_sqlite(path: Path) -> Engine:
    """A store whose commits do not wait for the disk: no test cuts the power."""
    engine = open_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    return engine


@pytest.fixture
def sqlite_engine(prepared_sqlite: Path, tmp_path: Path) -> Iterator[Engine]:
    path = tmp_path / "rejoinder.db"
    shutil.copy(prepared_sqlite, path)
    engine = open_sqlite(path)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def store_engine(request: pytest.FixtureRequest) -> Engine:
    """The store of this test, once on each database."""
    name = "sqlite_engine" if request.param == "sqlite" else "postgres_engine"
    engine: Engine = request.getfixturevalue(name)
    return engine
