"""The safety net behind the signals: a poll every second for commits of processes that send no signals, and
for signals that were lost.

One poll covers all topics that somebody waits for, however many readers there are. On SQLite the topics are
queried only when another connection has written (`PRAGMA data_version`).
"""

import logging
import threading
from contextlib import suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from feedback.errors import ApiError
from feedback.store.engine import read_connection
from feedback.store.marks import Marks, read_marks
from feedback.web.wakeups import Wakeups

log = logging.getLogger(__name__)

POLL_EVERY_S = 1.0


class Net:
    def __init__(self, store_engine: Engine, wakeups: Wakeups, *, every_s: float = POLL_EVERY_S) -> None:
        self._store = store_engine
        self._wakeups = wakeups
        self._every_s = every_s
        self._marks: Marks = {}
        self._version: object = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="net", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                with read_connection(self._store) as connection:
                    while not self._ending.wait(self._every_s):
                        self.poll(connection)
            except (ApiError, SQLAlchemyError) as error:
                log.warning("the store cannot be looked at: %s", error)
                self._ending.wait(self._every_s)

    def poll(self, connection: Connection) -> None:
        """Signals every topic whose mark (its last change) has moved. A topic that is new here is compared
        with the mark its readers saw; if that is unknown, it is signalled once to be safe.
        """
        topics = self._wakeups.list_topics()
        version = self._read_version(connection)
        if topics.keys() <= self._marks.keys() and version is not None and version == self._version:
            return
        marks = dict.fromkeys(topics, ()) | read_marks(connection, topics=topics)
        changed = [topic for topic, mark in marks.items() if self._marks.get(topic, topics[topic]) != mark]
        self._marks, self._version = marks, version
        if changed:
            self._wakeups.signal(changed)

    def _read_version(self, connection: Connection) -> object:
        """A number that changes with each commit of another connection; None if the database has no such
        number.
        """
        if self._store.dialect.name != "sqlite":
            return None
        with suppress(SQLAlchemyError):
            return connection.exec_driver_sql("PRAGMA data_version").scalar()
        return None
