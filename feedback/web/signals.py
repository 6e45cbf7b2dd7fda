"""Signals about topics between the web processes of one store, so that waiting readers wake up at once.

    signals = open_signals(engine, data_dir, hear=wakeups.signal); on_commit(engine, signals.notify)

SQLite uses datagrams between sockets in the data directory (feedback/web/datagrams.py), PostgreSQL uses
NOTIFY and LISTEN (feedback/web/notifications.py). Signals are sent after the commit and apart from it: no
commit waits for one, and a lost signal only delays a reader by a second (feedback/web/net.py).
"""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine

AT_MOST = 7_000  # bytes of one message: PostgreSQL takes 8,000

Hear = Callable[[Iterable[str]], None]


class Signals(Protocol):
    def notify(self, topics: Iterable[str]) -> None:
        """Sends the topics to all other processes. May be called from any thread; never waits."""
        ...

    def close(self) -> None: ...


def open_signals(engine: Engine, data_dir: Path, *, hear: Hear) -> Signals:
    """Opens the signals of this store; `hear` is called with what other processes send, on a separate
    thread.
    """
    if engine.dialect.name == "sqlite":
        from feedback.web.datagrams import Datagrams

        return Datagrams(data_dir / "signals", hear=hear)
    from feedback.web.notifications import Notifications

    return Notifications(engine, hear=hear)


def pack(topics: Iterable[str], *, sender: str) -> Iterator[str]:
    """Packs the topics into as few messages as possible."""
    part, size = [sender], 0
    for topic in topics:
        if len(part) > 1 and size + len(topic) + 8 > AT_MOST:
            yield json.dumps(part)
            part, size = [sender], 0
        part.append(topic)
        size += len(topic) + 8
    if len(part) > 1:
        yield json.dumps(part)


def unpack(message: bytes | str) -> tuple[str, list[str]]:
    """Sender and topics of one message; ValueError for bytes that `pack` did not make."""
    said = json.loads(message)
    if not isinstance(said, list) or not said or not all(isinstance(word, str) for word in said):
        raise ValueError("no list of topics")
    return said[0], said[1:]
