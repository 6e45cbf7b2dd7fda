"""The ASGI types that the front uses, and plain answers to requests that never reach a Flask view."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from feedback.errors import ApiError
from feedback.web.headers import HEADERS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
HeaderList = list[tuple[bytes, bytes]]


def make_refusal(error: ApiError) -> tuple[int, HeaderList, bytes]:
    """Status, headers and body in the form of the application's own errors. The connection is closed
    afterwards.
    """
    body = json.dumps(error.to_json()).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
        *((name.lower().encode(), value.encode()) for name, value in HEADERS.items()),
    ]
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    return error.status, headers, body


async def refuse(send: Send, error: ApiError) -> None:
    status, headers, body = make_refusal(error)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
