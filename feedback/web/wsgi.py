"""Runs one call of the Flask application: builds the WSGI environment from the request and collects the
answer.

The answer is collected completely before any of it is sent (a large one in an unnamed temporary file), so
that a slow client does not keep a thread busy.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from feedback.web.asgi import HeaderList, Scope, Send
from feedback.web.bodies import RawBody

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

IN_MEMORY = 1_000_000
PIECE = 65_536


def make_environ(scope: Scope, body: RawBody) -> dict[str, Any]:
    """The environment of PEP 3333. A header with an underscore is left out: it would look like one with a
    hyphen.
    """
    host, port = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(find_path(scope)).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    if body.length is not None:
        environ["CONTENT_LENGTH"] = str(body.length)
    for name, value in scope["headers"]:
        if b"_" in name or name in (b"content-length", b"transfer-encoding"):
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        said = value.decode("latin-1")
        joint = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{joint}{said}" if key in environ else said
    return environ


def find_path(scope: Scope) -> bytes:
    """The path as it was sent; for an absolute URL the part after the host."""
    raw: bytes = scope["raw_path"]
    if raw.startswith(b"/"):
        return raw
    scheme, _, rest = raw.partition(b"://")
    return b"/" + rest.partition(b"/")[2] if scheme.lower() in (b"http", b"https") else raw


@dataclass(frozen=True)
class WsgiAnswer:
    status: int
    headers: HeaderList
    body: bytes | IO[bytes]

    async def send(self, send: Send, *, closes: bool = False) -> None:
        headers = [*self.headers, (b"connection", b"close")] if closes else self.headers
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if isinstance(self.body, bytes):
            await send({"type": "http.response.body", "body": self.body})
            return
        with self.body as file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def call_wsgi(app: WsgiApp, environ: Mapping[str, Any], data: bytes) -> tuple[WsgiAnswer, dict[str, Any]]:
    """Runs the application in a thread; returns the answer, and the environment as the application left
    it.
    """
    own: dict[str, Any] = {**environ, "wsgi.input": BytesIO(data)}
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        started[:] = [(status, headers)]

    pieces = app(own, start_response)
    try:
        body = _take_body(pieces)
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
    ((status, headers),) = started
    sent = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return WsgiAnswer(int(status[:3]), sent, body), own


def _take_body(pieces: Iterable[bytes]) -> bytes | IO[bytes]:
    kept: list[bytes] = []
    size, file = 0, None
    for piece in pieces:
        size += len(piece)
        if file is None and size > IN_MEMORY:
            file = tempfile.TemporaryFile()
            file.writelines(kept)
        if file is None:
            kept.append(piece)
        else:
            file.write(piece)
    if file is None:
        return b"".join(kept)
    file.seek(0)
    return file
