"""Chat pages as the service sees them: open streams of events, by the hundred, on one thread.

    with open_pages(port, [(conversation_id, token), ...]) as pages: ...

Each page does what chat.js does: it opens the stream of its conversation with the visitor's token, and opens
it again from the last message on when the stream ends. As all of them wait and are in sight, each asks every
minute how it stands. `pages.seen` holds how long each message took.
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
STANDING_EVERY_S = 60.0


@dataclass
class Pages:
    """`seen`: message id -> seconds from its being written to its arrival, by the clock of this machine."""

    seen: dict[str, float] = field(default_factory=dict)
    open: int = 0
    reopened: int = 0
    asked: int = 0


@contextmanager
def open_pages(port: int, visits: Sequence[tuple[str, str]], *, limit_s: float = 120) -> Iterator[Pages]:
    """Returns once all streams are open; closes them with the block."""
    pages, loop = Pages(), asyncio.new_event_loop()
    thread = threading.Thread(target=run_until_stopped, args=(loop,), daemon=True)
    thread.start()
    following = asyncio.run_coroutine_threadsafe(follow_all(port, visits, pages), loop)
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


async def follow_all(port: int, visits: Sequence[tuple[str, str]], pages: Pages) -> None:
    async with asyncio.TaskGroup() as group:
        for number, (conversation_id, token) in enumerate(visits):
            group.create_task(follow_conversation(port, conversation_id, token, pages))
            group.create_task(ask_standing(port, conversation_id, token, pages))
            if number % 50 == 49:
                await asyncio.sleep(0.1)


async def follow_conversation(port: int, conversation_id: str, token: str, pages: Pages) -> None:
    last = ""
    while True:
        try:
            last = await follow_once(port, conversation_id, token, last, pages)
        except (OSError, EOFError):
            pass
        pages.reopened += 1
        await asyncio.sleep(AGAIN_AFTER_S)


async def ask_standing(port: int, conversation_id: str, token: str, pages: Pages) -> None:
    """Again and again, like the page, which a service that is away does not stop."""
    await asyncio.sleep(random.random() * STANDING_EVERY_S)
    while True:
        try:
            await ask_standing_once(port, conversation_id, token)
            pages.asked += 1
        except (OSError, EOFError):
            pass
        await asyncio.sleep(STANDING_EVERY_S)


async def ask_standing_once(port: int, conversation_id: str, token: str) -> None:
    """On a connection of its own: the service closes one that is idle for so long."""
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


async def follow_once(port: int, conversation_id: str, token: str, last: str, pages: Pages) -> str:
    """Until the stream ends; gives the last message's id."""
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
