"""An OpenAI-compatible address on loopback that answers as a test scripts it, and keeps what it was sent."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from feedback.helper.address import open_address
from feedback.helper.ask import Helper
from feedback.helper.question import HelperQuestion
from feedback.helper.settings import HelperSettings
from feedback.labelling.kinds import COMPARE, check_value
from feedback.records.redact import Redactor
from feedback.store.tables import HelperTrust
from serving.settings import ServingSettings
from tests.databases import START

KEY = "sk-never-to-be-seen"
SIDES = ["a", "b", "tie", "both_bad"]
DROP, HANG = "drop", "hang"


def completion(
    content: Any, *, model: str = "judge-1", finish: str = "stop", **message: Any
) -> dict[str, Any]:
    """What such an address answers; 20 tokens in and 5 out."""
    text = content if isinstance(content, str) else json.dumps(content)
    return {
        "model": model,
        "choices": [{"message": {"content": text, **message}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 5},
    }


class Handler(BaseHTTPRequestHandler):
    server: "Scripted"

    def do_GET(self) -> None:
        self._answer(200, {"data": [{"id": "judge"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        self.server.keys.append(self.headers.get("Authorization"))
        step = self.server.script(body) if callable(self.server.script) else self.server.script.pop(0)
        if step == DROP:
            self.connection.close()
        elif step == HANG:
            self.server.ended.wait()
        elif isinstance(step, tuple):
            self._answer(*step)
        else:
            self._answer(200, step)

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *told: Any) -> None:
        pass


class Scripted(ThreadingHTTPServer):
    """`script`: what each request gets in turn, or a function of the request's body. A dict is a body, a
    tuple a status with body and headers; DROP breaks the connection, HANG never answers.
    """

    daemon_threads = True

    def __init__(self, script: Any) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = script
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.ended = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is what some tests are about."""


@contextmanager
def scripted(*script: Any):
    """`scripted(step, step)` or `scripted(function)`."""
    server = Scripted(script[0] if len(script) == 1 and callable(script[0]) else list(script))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


class NoWait(threading.Event):
    """Waits that are over at once, and how long they would have been."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0.0)
        return self.is_set()


def make_helper(engine, clock, address: str, *, closing=None, **settings: Any) -> Helper:
    given = {"address": address, "model": "judge", "key": KEY, "timeout_s": 60, **settings}
    made = HelperSettings(**given)
    return Helper(
        store_engine=engine,
        settings=made,
        open_address=lambda: open_address(made, ServingSettings()),
        redactor=Redactor(b"k" * 32),
        clock=clock,
        closing=closing or NoWait(),
    )


def make_question(text: str = "Where is my order 1042?", **fields: Any) -> HelperQuestion:
    """Which of two replies to this text is better."""
    given: dict[str, Any] = {
        "use": "compare",
        "version": 1,
        "instruction": "Which reply is better?",
        "material": {"messages": [{"role": "user", "content": text}], "a": "Soon.", "b": "No."},
        "conversation": "c",
        "schema": {"type": "object", "properties": {"side": {"type": "string", "enum": SIDES}}},
        "check": lambda told: check_value(COMPARE, told, question={}, shown={}),
    }
    return HelperQuestion(**given | fields)


def trusted_in(task_id: str, model: str) -> HelperTrust:
    """That a model is trusted in a task, as the first word about it."""
    return HelperTrust(
        desk_id="default",
        task_id=task_id,
        number=1,
        model=model,
        is_trusted=True,
        reason="agrees",
        agreed=0.85,
        created_at=START,
    )
