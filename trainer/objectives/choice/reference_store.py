"""The file of stored reference values: key -> log-probability. Safe under kills and many processes.

It is a cache: a broken file is deleted and begun anew, and where the file cannot be used, `problem` says why
and the run goes on with the values it computes.
"""

import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from math import isfinite
from pathlib import Path
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

FILE = "reference.db"
VERSION = 2  # a file of another version is begun anew
MAX_BYTES = 512 * 2**20  # about two million choices; a larger file is begun anew
LOCK_TIMEOUT_S = 5.0
# Read by feedback/datasets/difficulty.py. It is made when it is first written: files without it are whole.
DIFFICULTY = (
    "CREATE TABLE IF NOT EXISTS difficulty (record BLOB PRIMARY KEY, base TEXT NOT NULL, nats REAL NOT NULL) "
    "WITHOUT ROWID"
)
TABLE = "CREATE TABLE IF NOT EXISTS logprob (key BLOB PRIMARY KEY, nats REAL NOT NULL) WITHOUT ROWID"


class ReferenceStore:
    """The file at `path`. Close it after use."""

    def __init__(self, path: Path) -> None:
        self.problem: str | None = None
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def find(self, keys: Sequence[bytes]) -> dict[bytes, float]:
        """The values that are stored under these keys."""
        return self._use(lambda connection: find_values(connection, keys), {})

    def add(self, values: Mapping[bytes, float]) -> None:
        """Stores all values, or none on failure. A stored value is not replaced: it is the same number."""
        rows = [(key, value) for key, value in values.items() if isfinite(value)]
        query = "INSERT OR IGNORE INTO logprob (key, nats) VALUES (?, ?)"
        self._use(lambda connection: connection.executemany(query, rows).rowcount, 0)

    def note_difficulty(self, base_id: str, nats: Mapping[bytes, float]) -> None:
        """Stores nats per token by record, and forgets those under another base."""
        rows = [(record, base_id, value) for record, value in nats.items() if isfinite(value)]

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(DIFFICULTY)
            connection.execute("DELETE FROM difficulty WHERE base <> ?", (base_id,))
            connection.executemany("INSERT OR REPLACE INTO difficulty VALUES (?, ?, ?)", rows)

        self._use(write, None)

    def drop(self) -> int:
        """Deletes all values and returns how many there were."""
        return self._use(lambda connection: connection.execute("DELETE FROM logprob").rowcount, 0)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _use(self, action: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Does something in one transaction, or without a file that cannot be used."""
        if self._connection is None and self.problem is not None:
            return otherwise
        try:
            self._connection = self._connection or connect(self._path)
            with self._connection:
                return action(self._connection)
        except sqlite3.Error as error:
            self.close()
            self.problem = f"{self._path} cannot be used ({error}): the values of this run are not kept"
            if not isinstance(error, sqlite3.OperationalError):  # such as locked, or read-only
                with suppress(OSError, sqlite3.Error):
                    self._path.unlink()
                    self._connection = connect(self._path)
                    self.problem = f"{self._path} was broken ({error}): it is begun anew"
            log.warning("stored reference: %s", self.problem)
            return otherwise


def connect(path: Path) -> sqlite3.Connection:
    """Opens the file, or makes it. Nothing is written to a whole one, which may be read-only."""
    connection = sqlite3.connect(path, timeout=LOCK_TIMEOUT_S)
    try:
        connection.execute("PRAGMA journal_mode = TRUNCATE")
        connection.execute("PRAGMA synchronous = FULL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            raise sqlite3.DatabaseError(f"it has version {version}, this program knows {VERSION}")
        if path.stat().st_size > MAX_BYTES:
            raise sqlite3.DatabaseError(f"it has more than {MAX_BYTES} bytes")
        if version == 0:
            connection.execute(TABLE)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        return connection
    except sqlite3.Error:
        connection.close()
        raise


def find_values(connection: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, float]:
    query = "SELECT nats FROM logprob WHERE key = ?"
    return {key: nats for key in keys for (nats,) in connection.execute(query, (key,))}


def peek_values(path: Path, keys: Sequence[bytes]) -> dict[bytes, float]:
    """Reads values without changing the file; none if it is missing or cannot be read."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return find_values(connection, keys)
    except sqlite3.Error:
        return {}
