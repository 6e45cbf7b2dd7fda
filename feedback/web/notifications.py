"""Signals between processes on one PostgreSQL: NOTIFY after the commit, LISTEN on a connection of its own.

A NOTIFY inside the transaction would make commits wait for each other, because PostgreSQL hands out
notifications under one lock. So a thread sends them after the commit, all that have collected at once.
"""

import logging
import os
import queue
import threading
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import psycopg
from sqlalchemy import Engine

from feedback.web.signals import Hear, pack, unpack

log = logging.getLogger(__name__)

CHANNEL = "rejoinder_changes"
END_POLL_S = 0.5
AGAIN_AFTER_S = 2.0
KEPT = 10_000  # topics queued while the server is unreachable


class Notifications:
    def __init__(self, engine: Engine, *, hear: Hear) -> None:
        self._arguments = engine.dialect.create_connect_args(engine.url)
        self._hear = hear
        self._name = f"{os.getpid()}-{uuid4().hex[:8]}"
        self._topics: queue.Queue[str] = queue.Queue(KEPT)
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep_on, args=(work,), name=f"signals-{word}", daemon=True)
            for word, work in (("notify", self._notify_all), ("hear", self._listen))
        ]
        for thread in self._threads:
            thread.start()

    def notify(self, topics: Iterable[str]) -> None:
        for topic in topics:
            try:
                self._topics.put_nowait(topic)
            except queue.Full:  # the poll every second replaces the signal
                return

    def close(self) -> None:
        self._ending.set()
        self.notify([""])  # wakes the sending thread
        for thread in self._threads:
            thread.join()

    def _keep_on(self, work: Any) -> None:
        while not self._ending.is_set():
            try:
                words, named = self._arguments
                with psycopg.connect(*words, **named, autocommit=True) as connection:
                    work(connection)
            except psycopg.Error as error:
                log.warning("signals of the store are away: %s", error)
                self._ending.wait(AGAIN_AFTER_S)

    def _notify_all(self, connection: "psycopg.Connection[Any]") -> None:
        while not self._ending.is_set():
            topics = {self._topics.get()}
            while not self._topics.empty():
                topics.add(self._topics.get())
            for message in pack(topics - {""}, sender=self._name):
                connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, message))

    def _listen(self, connection: "psycopg.Connection[Any]") -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        while not self._ending.is_set():
            for notification in connection.notifies(timeout=END_POLL_S):
                try:
                    sender, topics = unpack(notification.payload)
                except ValueError:
                    log.warning("a signal that is none: %r", notification.payload[:80])
                    continue
                if sender != self._name:
                    self._hear(topics)
