"""Reads a request's body before a thread is taken for it, and refuses one slower than a kilobyte a second.

A body larger than the limit is read to its end and dropped: a client that first sends everything and then
listens can still read the error.
"""

import asyncio
from dataclasses import dataclass

from feedback.actor import VISITOR_PREFIX
from feedback.web.asgi import Receive, Scope
from feedback.web.errors import RequestMalformed, RequestTooSlow

BYTES_PER_S = 1_000
GRACE_S = 10.0
DROPPED_AT_MOST = 32_000_000
PIECES = b"/v1/imports/"  # below which files are sent in pieces


class ClientGone(Exception):
    """The connection ended before the body did."""


@dataclass(frozen=True)
class BodyLimits:
    """The largest body in bytes: for callers who bring a token of their own or send a piece of a file, and
    for everybody else.

    The limit is chosen before the token is checked; the application checks the role afterwards.
    """

    tokens: int
    others: int

    def pick(self, scope: Scope) -> int:
        is_large = any(map(_is_token, scope["headers"])) or scope["raw_path"].startswith(PIECES)
        return self.tokens if is_large else self.others


def _is_token(header: tuple[bytes, bytes]) -> bool:
    name, value = header
    return name == b"authorization" and VISITOR_PREFIX.encode() not in value


@dataclass(frozen=True)
class RawBody:
    data: bytes
    length: int | None  # in bytes, as announced or counted; None: no body
    is_whole: bool = True  # else the connection is closed after the answer


async def read_body(scope: Scope, receive: Receive, *, limit: int) -> RawBody:
    announced = find_length(scope)
    if announced is not None and announced > limit:
        is_asking = any(name == b"expect" for name, _ in scope["headers"])
        if is_asking or announced > DROPPED_AT_MOST:
            return RawBody(b"", announced, is_whole=False)
    data, length, loop = bytearray(), 0, asyncio.get_running_loop()
    began = loop.time()
    while True:
        try:
            async with asyncio.timeout_at(began + GRACE_S + length / BYTES_PER_S):
                message = await receive()
        except TimeoutError as error:
            raise RequestTooSlow("body", f"at {BYTES_PER_S:,} bytes a second at least") from error
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        length += len(part)
        if length <= limit:
            data += part
        elif length > DROPPED_AT_MOST:
            return RawBody(b"", length, is_whole=False)
        if not message.get("more_body", False):
            break
    if length > limit:
        data.clear()
    is_there = announced is not None or any(name == b"transfer-encoding" for name, _ in scope["headers"])
    return RawBody(bytes(data), length if is_there else None)


def find_length(scope: Scope) -> int | None:
    """The announced Content-Length. A request with two ways of framing is refused, since proxies read it
    differently.
    """
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    if lengths and any(name == b"transfer-encoding" for name, _ in scope["headers"]):
        raise RequestMalformed("it has a Content-Length and a Transfer-Encoding")
    return int(lengths[0]) if lengths else None
