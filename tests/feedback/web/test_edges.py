"""What reaches the application of a raw request, and what does not: framing, paths, headers, methods."""

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from feedback.web.slow_clients import HEAD_WITHIN_S, TAKEN_WITHIN_S, PatientProtocol
from tests.feedback.web.serving import Served, read_all, serving, wait_until

LIMIT = 2_000


def echo(environ, start_response):
    """What the application was given, as JSON; a path that ends in /raise raises."""
    if environ["PATH_INFO"].endswith("/raise"):
        raise ValueError("a mistake of ours")
    body = environ["wsgi.input"].read()
    said = {key: value for key, value in environ.items() if isinstance(value, str | int | bool)}
    answer = json.dumps(said | {"body": body.decode("latin-1")}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("X-Length", str(len(answer)))])
    return [answer[:10], answer[10:]]


@dataclass
class Timer:
    seconds: float
    callback: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


class TimersLoop:
    """The loop of one connection, whose timers end when a test says so: a busy machine is no slow client."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.timers: list[Timer] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        self.timers.append(Timer(seconds, callback))
        return self.timers[-1]


class TimedProtocol(PatientProtocol):
    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.loop = TimersLoop(self.loop)


@pytest.fixture
def served():
    with serving(echo, max_body_bytes=LIMIT) as served:
        yield served


@pytest.fixture
def timed():
    with serving(echo, protocol=TimedProtocol) as served:
        yield served


def list_timers(served: Served, seconds: float) -> list[tuple[TimedProtocol, Timer]]:
    """The timers of this length that run, each with its connection."""
    return [
        (connection, timer)
        for connection in list(served.server.server_state.connections)
        for timer in list(connection.loop.timers)
        if timer.seconds == seconds and not timer.is_cancelled
    ]


def let_pass(served: Served, seconds: float) -> None:
    for connection, timer in list_timers(served, seconds):
        connection.loop.call_soon_threadsafe(timer.callback)


def wait_received(served: Served, *parts: bytes) -> None:
    """Of heads that are not whole, so much has come on each connection."""
    wait_until(
        lambda: (
            sorted(connection.conn.trailing_data[0] for connection, _ in list_timers(served, HEAD_WITHIN_S))
            == sorted(parts)
        )
    )


def ask(served: Served, *lines: str, body: bytes = b"") -> tuple[bytes, dict[str, str], bytes]:
    """Status line, headers and body of the answer to these lines."""
    head = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")
    return split(served.ask(head + body))


def split(answer: bytes) -> tuple[bytes, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = dict(line.decode().lower().split(": ", 1) for line in lines)
    if headers.get("transfer-encoding") == "chunked":
        body = unchunk(body)
    return status, headers, body


def unchunk(body: bytes) -> bytes:
    parts = []
    while body:
        size, _, body = body.partition(b"\r\n")
        parts.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    return b"".join(parts)


def test_the_environment_is_that_of_pep_3333(served):
    _, _, body = ask(served, "GET /a%20b/%C3%A9%2Fx?q=%C3%A9&r HTTP/1.1", "Host: desk.example:81")
    said = json.loads(body)
    assert said["PATH_INFO"] == "/a b/Ã©/x"  # the bytes of é, one character each
    assert (said["QUERY_STRING"], said["SCRIPT_NAME"]) == ("q=%C3%A9&r", "")
    assert (said["REMOTE_ADDR"], said["HTTP_HOST"]) == ("127.0.0.1", "desk.example:81")
    assert (said["SERVER_NAME"], said["SERVER_PORT"]) == ("127.0.0.1", str(served.port))
    assert (said["wsgi.url_scheme"], said["SERVER_PROTOCOL"]) == ("http", "HTTP/1.1")
    assert said["wsgi.input_terminated"] is True and "CONTENT_LENGTH" not in said


def test_no_header_sets_the_script_name_the_scheme_or_the_address(served):
    lines = [
        "Script-Name: //evil",
        "X-Forwarded-Proto: https",
        "X-Forwarded-For: 1.2.3.4",
        "Forwarded: for=1.2.3.4",
    ]
    said = json.loads(ask(served, "GET / HTTP/1.1", "Host: a", *lines)[2])
    assert (said["SCRIPT_NAME"], said["wsgi.url_scheme"], said["REMOTE_ADDR"]) == ("", "http", "127.0.0.1")


def test_a_header_with_an_underscore_does_not_pass_for_one_with_a_hyphen(served):
    said = json.loads(
        ask(served, "GET / HTTP/1.1", "Host: a", "X_Forwarded_For: 6.6.6.6", "X-Forwarded-For: 1.2.3.4")[2]
    )
    assert said["HTTP_X_FORWARDED_FOR"] == "1.2.3.4"


def test_repeated_headers_are_joined(served):
    lines = ["Authorization: Bearer a", "Authorization: Bearer b", "Cookie: a=1", "Cookie: b=2"]
    said = json.loads(ask(served, "GET / HTTP/1.1", "Host: a", *lines)[2])
    assert (said["HTTP_AUTHORIZATION"], said["HTTP_COOKIE"]) == ("Bearer a,Bearer b", "a=1; b=2")


def test_a_body_in_chunks_comes_with_its_length(served):
    said = json.loads(
        ask(
            served,
            "POST / HTTP/1.1",
            "Host: a",
            "Transfer-Encoding: chunked",
            body=b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
        )[2]
    )
    assert (said["body"], said["CONTENT_LENGTH"]) == ("hello world", "11")
    assert "HTTP_TRANSFER_ENCODING" not in said


def test_a_body_above_the_limit_is_announced_and_not_given(served):
    """Flask refuses it by its length; the whole of it is read, so that the client can read the refusal."""
    for framing, body in (
        (f"Content-Length: {LIMIT + 1}", b"x" * (LIMIT + 1)),
        ("Transfer-Encoding: chunked", b"7d1\r\n" + b"x" * (LIMIT + 1) + b"\r\n0\r\n\r\n"),
    ):
        said = json.loads(ask(served, "POST / HTTP/1.1", "Host: a", framing, body=body)[2])
        assert (said["body"], said["CONTENT_LENGTH"]) == ("", str(LIMIT + 1))


def test_who_asks_first_is_told_to_go_on(served):
    with served.connect() as connection:
        lines = (
            "POST / HTTP/1.1",
            "Host: a",
            "Connection: close",
            "Content-Length: 2",
            "Expect: 100-continue",
        )
        connection.sendall("\r\n".join([*lines, "Expect: 100-continue", "", ""]).encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"ok")
        assert b'"body": "ok"' in read_all(connection)


def test_who_asks_first_sends_nothing_that_is_too_large(served):
    head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {LIMIT + 1}\r\nExpect: 100-continue\r\n\r\n"
    status, headers, _ = split(served.ask(head.encode()))
    assert status.startswith(b"HTTP/1.1 200") and headers["connection"] == "close"


@pytest.mark.parametrize(
    "lines",
    [
        ("POST / HTTP/1.1", "Host: a", "Content-Length: 3", "Transfer-Encoding: chunked"),
        ("POST / HTTP/1.1", "Host: a", "Content-Length: 3", "Content-Length: 4"),
        ("POST / HTTP/1.1", "Host: a", "Content-Length: -3"),
        ("POST / HTTP/1.1", "Host: a", "Content-Length: 3, 4"),
        ("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip, chunked"),
        ("POST / HTTP/1.1", "Host: a", "Transfer-Encoding : chunked"),
        ("GET / HTTP/1.1", "Host: a", "X-Folded: one\r\n\ttwo\x00"),
        ("GET / HTTP/1.1", "Host: a", "Host: b"),
        ("GET / HTTP/1.1",),
        ("GET /",),
        ("GET /\x00 HTTP/1.1", "Host: a"),
        ("nonsense",),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_and_ends_the_connection(served, lines):
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    answer = served.ask(head + b"0\r\n\r\n" + smuggled)
    status, headers, body = split(answer)
    assert status.split()[1] in (b"400", b"501") and headers["connection"] == "close"
    assert answer.count(b"HTTP/1.1 ") == 1 and b"smuggled" not in body
    assert headers["x-content-type-options"] == "nosniff"
    assert json.loads(body)["error"]["code"] == "request_malformed"


def test_an_absolute_address_is_its_path(served):
    said = json.loads(ask(served, "GET http://other.example/a/b?c HTTP/1.1", "Host: a")[2])
    assert (said["PATH_INFO"], said["QUERY_STRING"], said["HTTP_HOST"]) == ("/a/b", "c", "a")


def test_head_has_no_body(served):
    status, headers, body = ask(served, "HEAD / HTTP/1.1", "Host: a")
    assert status == b"HTTP/1.1 200 OK" and headers["content-type"] == "application/json" and body == b""


def test_requests_sent_together_are_answered_in_order(served):
    one = b"GET /%d HTTP/1.1\r\nHost: a\r\n%s\r\n"
    answer = served.ask(one % (1, b"") + one % (2, b"") + one % (3, b"Connection: close\r\n"))
    assert [answer.index(b'"PATH_INFO": "/%d"' % number) for number in (1, 2, 3)] == sorted(
        answer.index(b'"PATH_INFO": "/%d"' % number) for number in (1, 2, 3)
    )


def test_http_1_0_is_answered(served):
    status, _, body = split(served.ask(b"GET / HTTP/1.0\r\n\r\n"))
    assert status.split()[1] == b"200" and json.loads(body)["SERVER_PROTOCOL"] == "HTTP/1.0"


def test_a_mistake_of_the_application_is_a_500_and_the_server_goes_on(served):
    status, headers, body = ask(served, "GET /raise HTTP/1.1", "Host: a")
    assert status.split()[1] == b"500" and headers["x-content-type-options"] == "nosniff"
    assert json.loads(body)["error"]["code"] == "server_failed" and b"of ours" not in body
    assert ask(served, "GET / HTTP/1.1", "Host: a")[0].split()[1] == b"200"


def test_a_head_that_does_not_come_ends_the_connection(timed):
    with timed.connect() as silent, timed.connect() as half, timed.connect() as drip:
        half.sendall(b"GET / HT")
        drip.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        wait_received(timed, b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n")
        let_pass(timed, HEAD_WITHIN_S)
        assert read_all(silent) == b""
        for slow in (half, drip):
            status, _, body = split(read_all(slow))
            assert status.split()[1] == b"408" and json.loads(body)["error"]["code"] == "request_too_slow"


def test_half_a_head_after_an_answer_ends_the_connection_too(timed):
    with timed.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        while b"}" not in connection.recv(65_536):
            pass
        connection.sendall(b"GET / HT")
        wait_received(timed, b"GET / HT")
        let_pass(timed, HEAD_WITHIN_S)
        assert b" 408 " in read_all(connection)


def test_an_answer_that_nobody_takes_ends_the_connection():
    def flood(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"x" * 500_000 for _ in range(60)]

    with serving(flood, protocol=TimedProtocol) as served, served.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        connections = served.server.server_state.connections
        wait_until(lambda: list_timers(served, TAKEN_WITHIN_S))
        wait_until(lambda: let_pass(served, TAKEN_WITHIN_S) or not connections)
        assert len(read_until_broken(connection)) < 30_000_000


def read_until_broken(connection: socket.socket) -> bytes:
    parts = []
    with suppress(ConnectionError):
        while part := connection.recv(1_000_000):
            parts.append(part)
    return b"".join(parts)


def test_a_slow_body_is_refused(served, monkeypatch):
    monkeypatch.setattr("feedback.web.bodies.GRACE_S", 0.2)
    with served.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        status, headers, body = split(read_all(connection))
    assert status.split()[1] == b"408" and headers["connection"] == "close"
    assert json.loads(body)["error"]["code"] == "request_too_slow"


def test_a_large_answer_arrives_whole():
    def large(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (bytes([number % 256]) * 100_000 for number in range(30))

    with serving(large) as served, served.client() as client:
        body = client.get("/").content
    assert body == b"".join(bytes([number % 256]) * 100_000 for number in range(30))


def test_connections_end_before_files_do():
    with serving(echo, connections=3) as served:
        held = [served.connect() for _ in range(2)]
        wait_until(lambda: len(served.server.server_state.connections) == 2)
        with served.connect() as too_many:
            assert read_until_broken(too_many) == b""
        held.pop().close()
        wait_until(lambda: len(served.server.server_state.connections) == 1)
        assert b"200 OK" in served.ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        held.pop().close()
