"""The file of stored reference values: key -> log-probability. Safe under kills and many processes.

It is a cache, so nothing here raises if the file is broken: `problem` says what is wrong, and the run goes on
with the values it computes.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from math import isfinite
from pathlib import Path
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

FILE = "reference.db"
VERSION = 1
MAX_BYTES = 512 * 2**20  # about two million choices; beyond it the values of other bases go, then all
LOCK_TIMEOUT_S = 5.0
OF_BASE = "DELETE FROM logprob WHERE basis IN (SELECT id FROM basis WHERE base = ?)"
OF_OTHERS = "DELETE FROM logprob WHERE basis IN (SELECT id FROM basis WHERE base <> ?)"
BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS basis"
    " (id INTEGER PRIMARY KEY, base TEXT NOT NULL, dtype TEXT NOT NULL, UNIQUE (base, dtype))",
    "CREATE TABLE IF NOT EXISTS logprob"
    " (key BLOB PRIMARY KEY, basis INTEGER NOT NULL, nats REAL NOT NULL) WITHOUT ROWID",
    f"PRAGMA user_version = {VERSION}",
)


class ReferenceStore:
    """The file at `path`, opened for one base and compute dtype. Close it after use."""

    def __init__(self, path: Path, base_id: str, dtype: str) -> None:
        self.problem: str | None = None
        self._path, self._base_id, self._dtype = path, base_id, dtype
        self._connection = self._connect(again=True)

    def find(self, keys: Sequence[bytes]) -> dict[bytes, float]:
        """The values that are stored under these keys."""
        return self._try(lambda connection: find_values(connection, keys), {})

    def add(self, values: Mapping[bytes, float]) -> None:
        """Stores all values, or none on failure. A stored value is not replaced: it is the same number."""
        rows = [(key, value) for key, value in values.items() if isfinite(value)]
        if rows:
            self._try(lambda connection: self._add(connection, rows), None)

    def drop(self) -> int:
        """Deletes the values of this base, whatever the dtype, and returns how many there were."""
        return self._try(self._drop, 0)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _drop(self, connection: sqlite3.Connection) -> int:
        with writing(connection):
            return connection.execute(OF_BASE, (self._base_id,)).rowcount

    def _add(self, connection: sqlite3.Connection, rows: list[tuple[bytes, float]]) -> None:
        with writing(connection):
            self._prune(connection)
            here = (self._base_id, self._dtype)
            connection.execute("INSERT OR IGNORE INTO basis (base, dtype) VALUES (?, ?)", here)
            query = "SELECT id FROM basis WHERE base = ? AND dtype = ?"
            (basis,) = connection.execute(query, here).fetchone()
            connection.executemany(
                "INSERT OR IGNORE INTO logprob (key, basis, nats) VALUES (?, ?, ?)",
                [(key, basis, value) for key, value in rows],
            )

    def _prune(self, connection: sqlite3.Connection) -> None:
        for query in (OF_OTHERS, OF_BASE):
            if count_bytes(connection) > MAX_BYTES:
                count = connection.execute(query, (self._base_id,)).rowcount
                log.info("%s is over %d bytes: %d values dropped", self._path, MAX_BYTES, count)

    def _try(self, action: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        if self._connection is None:
            return otherwise
        try:
            return action(self._connection)
        except sqlite3.Error as error:
            self.close()
            if self._set_aside(error):
                self._connection = self._connect(again=False)
            return otherwise

    def _connect(self, *, again: bool) -> sqlite3.Connection | None:
        connection = None
        try:
            connection = sqlite3.connect(self._path, timeout=LOCK_TIMEOUT_S, isolation_level=None)
            prepare(connection)
            return connection
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            return self._connect(again=False) if self._set_aside(error) and again else None

    def _set_aside(self, error: sqlite3.Error) -> bool:
        """Notes the error in `problem`. A broken file is renamed; True if that made room for a new one."""
        self.problem = f"{self._path} cannot be used ({error}): the values of this run are not kept"
        moved = False
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in BROKEN:
            aside = self._path.with_name(f"{self._path.name}.broken")
            try:
                self._path.replace(aside)
                self.problem = (
                    f"{self._path} was broken ({error}): it is now {aside.name}, a new one is begun"
                )
                moved = True
            except OSError as why:
                self.problem += f"; it cannot be moved ({why})"
        log.warning("stored reference: %s", self.problem)
        return moved


def prepare(connection: sqlite3.Connection) -> None:
    """Makes the tables if there are none. Writes nothing to a file that has them: it may be read-only."""
    connection.execute("PRAGMA journal_mode = TRUNCATE")
    connection.execute("PRAGMA synchronous = FULL")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        with writing(connection):
            for statement in SCHEMA:
                connection.execute(statement)
    elif version != VERSION:
        raise sqlite3.DatabaseError(f"it has version {version}, this program knows {VERSION}")
    connection.execute("SELECT key, basis, nats FROM logprob LIMIT 1").fetchone()


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def find_values(connection: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, float]:
    found: dict[bytes, float] = {}
    for key in keys:
        for (value,) in connection.execute("SELECT nats FROM logprob WHERE key = ?", (key,)):
            found[key] = value
    return found


def peek_values(path: Path, keys: Sequence[bytes]) -> dict[bytes, float]:
    """Reads values without changing the file; none if it is missing or cannot be read."""
    if not path.is_file():
        return {}
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return find_values(connection, keys)
    except sqlite3.Error:
        return {}


def count_bytes(connection: sqlite3.Connection) -> int:
    """Bytes that the values take. Free pages left by a deletion do not count, since they are used again."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
