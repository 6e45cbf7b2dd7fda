"""The store's schema and its versions (Alembic). `upgrade(url)` is what every entry point calls before it
opens the store.

    upgrade(url)            to the newest version; creates the file of a SQLite store and its directory
    find_version(engine)    the version a store is at, None for an empty one
    newest_version()        the version this code needs

A new version: change `feedback/store/tables/`, then `python -m feedback.migrations "what changes"` writes
a draft under `versions/`, to be read and cleaned by hand. A test holds upgraded schema and tables equal on
both databases. There is no way back: restore a backup.
"""

import sqlite3
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url

from feedback.store.engine import open_engine

HERE = Path(__file__).parent
UPGRADE_LIMIT_S = 3_600  # that another process may take


def configure() -> Config:
    """Alembic's configuration without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(url: str) -> None:
    """Brings the store to the newest version, if it has an older one: all or nothing."""
    path = make_url(url).database
    if make_url(url).get_backend_name() == "sqlite" and path:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = open_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _wait_for_others)
    try:
        upgrade_engine(engine)
    finally:
        engine.dispose()


def upgrade_engine(engine: Engine, version: str = "head") -> None:
    """Brings the store of an open engine to a version. Two processes that start at once wait for each other,
    however long the first one takes to fill new columns.
    """
    config = configure()
    with engine.execution_options(writing=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7267001)")
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def _wait_for_others(connection: sqlite3.Connection, record: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout={UPGRADE_LIMIT_S * 1_000}")


def find_version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_version() -> str:
    newest = ScriptDirectory.from_config(configure()).get_current_head()
    assert newest is not None, "versions/ holds at least the first version"
    return newest
