"""Simulates chat pages as the service sees them: hundreds of open event streams on one thread.

    with open_pages(port, [(conversation_id, token), ...]) as pages: ...

Each page does what chat.js does: it opens the event stream of its conversation with the visitor's token, and
opens it again after the last message when the stream ends. All of them wait and count as visible, so each
asks for its queue position every minute. `pages.seen` holds the delivery time of each message in seconds.
"""

import asyncio
import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

LINE_LIMIT = 2**20
AGAIN_AFTER_S = 0.5
POSITION_EVERY_S = 60.0


@dataclass
class Pages:
    """Open pages. `seen`: message id -> seconds from its writing to its arrival, by this machine's clock."""

    seen: dict[str, float] = field(default_factory=dict)
    open: int = 0
    reopened: int = 0
    asked: int = 0


@contextmanager
def open_pages(port: int, visits: Sequence[tuple[str, str]], *, limit_s: float = 120) -> Iterator[Pages]:
    """Opens all streams, then runs the block; closes them after it."""
    pages, loop = Pages(), asyncio.new_event_loop()
    thread = threading.Thread(target=run_until_stopped, args=(loop,), daemon=True)
    thread.start()
    following = asyncio.run_coroutine_threadsafe(subscribe_all(port, visits, pages), loop)
    try:
        deadline = time.monotonic() + limit_s
        while pages.open < len(visits):
            assert time.monotonic() < deadline, f"{pages.open} of {len(visits)} pages are open"
            assert not following.done(), following.result()
            time.sleep(0.05)
        yield pages
    finally:
        following.cancel()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def run_until_stopped(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.run_until_complete(asyncio.sleep(0.1))  # lets the cancelled connections close
    loop.close()


async def subscribe_all(port: int, visits: Sequence[tuple[str, str]], pages: Pages) -> None:
    async with asyncio.TaskGroup() as group:
        for number, (conversation_id, token) in enumerate(visits):
            group.create_task(subscribe_conversation(port, conversation_id, token, pages))
            group.create_task(ask_queue_position(port, conversation_id, token, pages))
            if number % 50 == 49:
                await asyncio.sleep(0.1)


async def subscribe_conversation(port: int, conversation_id: str, token: str, pages: Pages) -> None:
    last = ""
    while True:
        try:
            last = await subscribe_once(port, conversation_id, token, last, pages)
        except (OSError, EOFError):
            pass
        pages.reopened += 1
        await asyncio.sleep(AGAIN_AFTER_S)


async def ask_queue_position(port: int, conversation_id: str, token: str, pages: Pages) -> None:
    """Asks for the queue position again and again, also while the service is unreachable, like the page."""
    await asyncio.sleep(random.random() * POSITION_EVERY_S)
    while True:
        try:
            await ask_queue_position_once(port, conversation_id, token)
            pages.asked += 1
        except (OSError, EOFError):
            pass
        await asyncio.sleep(POSITION_EVERY_S)


async def ask_queue_position_once(port: int, conversation_id: str, token: str) -> None:
    """Asks on a new connection, since the service closes one that is idle between two questions."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        path = f"/v1/conversations/{conversation_id}/standing"
        headers = ("Host: localhost", f"Authorization: Bearer {token}", "Connection: close")
        writer.write("\r\n".join([f"GET {path} HTTP/1.1", *headers, "", ""]).encode())
        status = await reader.readuntil(b"\r\n")
        assert status.startswith(b"HTTP/1.1 200 "), status
        await reader.read()
    finally:
        writer.close()


async def subscribe_once(port: int, conversation_id: str, token: str, last: str, pages: Pages) -> str:
    """Reads the stream until it ends; returns the id of the last message."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LINE_LIMIT)
    is_open = False
    try:
        path = f"/v1/conversations/{conversation_id}/messages" + (f"?after={last}" if last else "")
        headers = ("Host: localhost", f"Authorization: Bearer {token}", "Accept: text/event-stream")
        writer.write("\r\n".join([f"GET {path} HTTP/1.1", *headers, "", ""]).encode())
        while line := await reader.readline():
            if line.startswith(b": alive") and not is_open:
                is_open = True
                pages.open += 1
            if line.startswith(b"data: "):
                for message in json.loads(line[6:])["messages"]:
                    last = message["message_id"]
                    written_at = datetime.fromisoformat(message["created_at"]).timestamp()
                    pages.seen.setdefault(last, time.time() - written_at)
        return last
    finally:
        pages.open -= is_open
        writer.close()
