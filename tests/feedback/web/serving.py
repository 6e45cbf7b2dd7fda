"""The real server around an application, on a thread of the test's own: what waiting and slow clients are
tried on.
"""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvloop
from flask import Flask
from sqlalchemy import Engine

from feedback.settings import FeedbackSettings
from feedback.web.bodies import BodyLimits
from feedback.web.front import Front
from feedback.web.running import running_front
from feedback.web.server import CONNECTIONS, WebServer
from feedback.web.slow_clients import PatientProtocol
from feedback.web.wakeups import Wakeups


@dataclass
class Served:
    port: int
    server: WebServer
    front: Front

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, token: str | None = None, timeout_s: float = 60) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=timeout_s, trust_env=False)

    def connect(self, timeout_s: float = 60) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s)

    def ask(self, request: bytes) -> bytes:
        """The raw answer to a raw request, up to the end of the connection."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


@contextmanager
def serving(
    app: Any,
    *,
    wakeups: Wakeups | None = None,
    threads: int = 8,
    max_body_bytes: int = 262_144,
    protocol: type[PatientProtocol] = PatientProtocol,
    port: int = 0,
    connections: int = CONNECTIONS,
) -> Iterator[Served]:
    """Any WSGI application behind the front, without a store."""
    wakeups = wakeups or Wakeups()
    limits = BodyLimits(max_body_bytes, max_body_bytes)
    front = Front(app, wakeups=wakeups, threads=threads, limits=limits)
    with running_server(front, protocol=protocol, port=port, connections=connections) as served:
        yield served


@contextmanager
def serving_desk(
    app: Flask,
    store_engine: Engine,
    settings: FeedbackSettings,
    *,
    wakeups: Wakeups | None = None,
    port: int = 0,
) -> Iterator[Served]:
    """The Flask application as the entry point serves it: woken by commits, signals and the net."""
    with (
        running_front(app, store_engine, settings, wakeups or Wakeups()) as front,
        running_server(front, port=port) as served,
    ):
        yield served


@contextmanager
def running_server(
    front: Front,
    *,
    protocol: type[PatientProtocol] = PatientProtocol,
    port: int = 0,
    connections: int = CONNECTIONS,
) -> Iterator[Served]:
    server = WebServer(
        front, host="127.0.0.1", port=port, connections=connections, grace_s=30, protocol=protocol
    )
    started = threading.Event()

    async def run() -> None:
        running = asyncio.create_task(server.serve())
        while not server.started and not running.done():
            await asyncio.sleep(0.01)
        started.set()
        await running

    thread = threading.Thread(target=lambda: uvloop.run(run()), daemon=True)
    thread.start()
    assert started.wait(60) and server.started
    try:
        yield Served(server.address[1], server, front)
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()
        for pool in vars(front._pools).values():
            # What still runs when the server has stopped has a connection: a test closes its engine only
            # when that one is given back.
            pool._executor.shutdown(wait=True)


class EventStream:
    """The events of one open stream, read one at a time."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()

    def next(self) -> dict[str, Any]:
        """The next event's data; StopIteration once the stream has ended."""
        data: list[str] = []
        while True:
            line = next(self._lines)
            if line.startswith("data: "):
                data.append(line.removeprefix("data: "))
            elif not line and data:
                return dict(json.loads("\n".join(data)))


@contextmanager
def open_stream(client: httpx.Client, path: str) -> Iterator[EventStream]:
    with client.stream("GET", path, headers={"Accept": "text/event-stream"}) as answer:
        yield EventStream(answer)


def wait_until(is_true: Callable[[], Any], limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not is_true():
        assert time.monotonic() < deadline, "never became true"
        time.sleep(0.01)
