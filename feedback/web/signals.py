"""Topics to and from the other web processes on the same store, so that their readers wake at once.

    signals = open_signals(engine, data_dir, hear=wakeups.signal); on_commit(engine, signals.tell)

SQLite: datagrams between sockets in the data directory (feedback/web/datagrams.py). PostgreSQL: NOTIFY and
LISTEN (feedback/web/notifications.py). Both after the commit and beside it: a signal that is lost costs a
second (feedback/web/net.py), and no commit waits for one.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine

AT_MOST = 7_000  # bytes of one message: PostgreSQL takes 8,000

Hear = Callable[[Iterable[str]], None]


class Signals(Protocol):
    def tell(self, topics: Iterable[str]) -> None:
        """To all other processes. From any thread; never waits."""
        ...

    def close(self) -> None: ...


def open_signals(engine: Engine, data_dir: Path, *, hear: Hear) -> Signals:
    """`hear` gets what other processes tell, on a thread of its own."""
    if engine.dialect.name == "sqlite":
        from feedback.web.datagrams import Datagrams

        return Datagrams(data_dir / "signals", hear=hear)
    from feedback.web.notifications import Notifications

    return Notifications(engine, hear=hear)


def pack(topics: Iterable[str], *, sender: str) -> Iterator[str]:
    """As few messages as hold them all."""
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
    """Sender and topics; ValueError for what `pack` did not make."""
    said = json.loads(message)
    if not isinstance(said, list) or not said or not all(isinstance(word, str) for word in said):
        raise ValueError("no list of topics")
    return said[0], said[1:]
