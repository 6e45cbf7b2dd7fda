"""Server-sent events: formats an answer as one event, and gives the headers and heartbeats of a stream."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from feedback.web.asgi import HeaderList, Scope

MEDIA_TYPE = b"text/event-stream"
ALIVE = b": alive\n\n"
ALIVE_EVERY_S = 20.0  # below the idle time after which proxies drop a connection
LASTS_S = 600.0  # then the page reconnects, which also authenticates it again
OWN_HEADERS = (b"content-type", b"content-length", b"etag")


def wants_events(scope: Scope) -> bool:
    return any(name == b"accept" and MEDIA_TYPE in value for name, value in scope["headers"])


def make_headers(headers: HeaderList) -> HeaderList:
    """The headers of the answer that begins the stream, with one that asks proxies not to buffer it."""
    kept = [(name, value) for name, value in headers if name not in OWN_HEADERS]
    return [*kept, (b"content-type", MEDIA_TYPE), (b"x-accel-buffering", b"no")]


def make_event(body: bytes) -> bytes:
    return b"".join(b"data: " + line + b"\n" for line in body.strip().splitlines()) + b"\n"


def ask_next(environ: Mapping[str, Any], then: Mapping[str, str]) -> dict[str, Any]:
    """The request for the next event: the previous request with these query parameters replaced."""
    query = {**dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True)), **then}
    return {**environ, "QUERY_STRING": urlencode(query)}
