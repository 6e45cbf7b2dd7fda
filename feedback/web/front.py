"""The ASGI application in front of the Flask application: reads a whole request, has a thread answer it, and
lets readers wait (long polling) without a thread.

The views say who waits and for what (feedback/web/waiting.py). The front itself knows only the routes of the
health probes, which have threads of their own. It does not know the store.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from feedback.errors import ApiError
from feedback.web import events
from feedback.web.asgi import Receive, Scope, Send, refuse
from feedback.web.bodies import BodyLimits, ClientGone, read_body
from feedback.web.errors import ServerCrowded, ServerFailed
from feedback.web.places import Places
from feedback.web.pools import Pools
from feedback.web.reader import BodyReader
from feedback.web.waiting import find_waiting
from feedback.web.wakeups import Listener, Wakeups
from feedback.web.wsgi import WsgiApp, call_wsgi, find_path, make_environ

log = logging.getLogger(__name__)


class Front:
    def __init__(self, app: WsgiApp, *, wakeups: Wakeups, threads: int, limits: BodyLimits) -> None:
        self._app = app
        self._wakeups = wakeups
        self._pools = Pools(threads)
        self._places = Places()
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(scope, receive, limit=self._limits.pick(scope))
            environ = make_environ(scope, body)
            pool = self._pools.pick(scope["method"], find_path(scope).decode("latin-1"))
            seen = self._wakeups.count
            answer, left = await pool.run(partial(call_wsgi, self._app, environ, body.data))
        except ClientGone:
            return
        except ApiError as error:
            await refuse(send, error)
            return
        except Exception:  # the outermost handler of this request
            log.exception("%s %s", scope["method"], scope["path"])
            await refuse(send, ServerFailed())
            return
        waiting = find_waiting(left)
        if waiting is None or scope["method"] != "GET":
            await answer.send(send, closes=not body.is_whole)
            return
        with self._places.take(waiting.actor, left["REMOTE_ADDR"]) as has_place:
            reader = BodyReader(environ, answer, waiting, has_place=has_place)
            with self._wakeups.listen(waiting.topic, since=seen, mark=waiting.mark) as listener:
                async with noticing_end(reader, listener, receive):
                    serve = self._stream if events.wants_events(scope) else self._answer
                    await serve(reader, listener, send)

    def end_waits(self) -> None:
        """Ends all waits: every waiting reader is answered now, and nobody waits any more."""
        self._wakeups.close()

    def close(self) -> None:
        self._pools.close()

    async def _answer(self, reader: BodyReader, listener: Listener, send: Send) -> None:
        """Answers one waiting reader as soon as there is news, or when the waiting time is over."""
        while not reader.waiting.found and not self._wakeups.is_closed:
            left = reader.count_left(reader.waiting.seconds)
            if left <= 0:
                break
            await listener.wait(min(left, reader.until_due))
            if reader.is_gone:
                return
            await self._repeat_request(reader, listener)
            if reader.is_refused:
                break
        await reader.answer.send(send)

    async def _stream(self, reader: BodyReader, listener: Listener, send: Send) -> None:
        """Sends each answer that has news as an event, until the view asks no further question."""
        headers = events.make_headers(reader.answer.headers)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send_part(send, events.ALIVE)
        while not reader.is_gone and not reader.is_refused:
            if reader.waiting.found:
                assert isinstance(reader.answer.body, bytes), "an event is no file"
                await send_part(send, events.make_event(reader.answer.body))
                if not reader.ask_next():
                    break
                continue  # a signal after the request wakes the listener
            elif reader.count_left(events.LASTS_S) <= 0 or self._wakeups.is_closed:
                break
            elif not await listener.wait(min(events.ALIVE_EVERY_S, reader.until_due)) and reader.until_due:
                await send_part(send, events.ALIVE)
                continue
            if not reader.is_gone:
                await self._repeat_request(reader, listener)
        await send({"type": "http.response.body", "body": b""})

    async def _repeat_request(self, reader: BodyReader, listener: Listener) -> None:
        listener.clear()
        try:
            answer, left = await self._pools.looks.run(partial(call_wsgi, self._app, reader.environ, b""))
        except ServerCrowded:
            reader.repeat_later()
        else:
            reader.take(answer, find_waiting(left))


async def send_part(send: Send, part: bytes) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})


@asynccontextmanager
async def noticing_end(reader: BodyReader, listener: Listener, receive: Receive) -> AsyncIterator[None]:
    """Wakes the waiting reader when the client has disconnected."""

    async def notice() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        reader.is_gone = True
        listener.wake()

    noticing = asyncio.create_task(notice())
    try:
        yield
    finally:
        noticing.cancel()
