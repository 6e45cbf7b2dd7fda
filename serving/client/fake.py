"""A stand-in for vLLM that speaks the same routes over real HTTP, deterministic and ready at once, for tests.

Held to the same contract tests as the real engine. Computes nothing: a reply is made of words chosen by a
hash of model, messages and seed, a log-probability is a hash of model and tokens. Not for measuring anything.
"""

import hashlib
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from serving.backend import ZERO_NAME
from serving.client.endpoint import Endpoint

Mode = Literal["ok", "slow", "error", "hang", "cut", "garbled"]

_WORDS = (
    "thank you for your patience I see the order and will check it now please give me a moment "
    "we can send a new one today your parcel is on its way would you like a refund instead"
).split()
_END = 1  # end-of-reply token; other tokens are the words' places from 10 on
_FIRST_WORD = 10
_GUARDED = ("/v1/",)


class FakeEngine:
    """A fake engine; use it as a context manager.

    `mode` may be changed while it runs; `requests` records what arrived.
    """

    def __init__(
        self, *, served_name: str = "base", zero_name: str | None = ZERO_NAME, max_model_len: int = 1024
    ) -> None:
        self.mode: Mode = "ok"
        self.delay_s = 0.5
        """Wait before each answer in mode `slow`, in seconds."""
        self.served_name = served_name
        self.max_model_len = max_model_len
        self.adapters: dict[str, str] = {zero_name: "(zero)"} if zero_name else {}
        self.neutral = {served_name, zero_name}
        """Names that answer alike: the base and the adapter that changes nothing."""
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.api_key = "fake-key"
        self._released, self._answering = threading.Event(), threading.Event()
        self._answering.set()
        self._server = _Server(("127.0.0.1", 0), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> "FakeEngine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(f"http://127.0.0.1:{self._server.server_address[1]}", self.api_key)

    def close(self) -> None:
        self._released.set()
        self._answering.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any] | str]:
        """The status and the body of the answer to one POST."""
        self.requests.append((path, body))
        if path == "/v1/load_lora_adapter":
            return self._load(body["lora_name"], Path(body["lora_path"]))
        if path == "/v1/unload_lora_adapter":
            return self._unload(body["lora_name"])
        if body.get("model") not in {self.served_name, *self.adapters}:
            return _error(404, f"The model `{body.get('model')}` does not exist.", "model")
        if path == "/tokenize":
            return 200, {"count": len(tokenize(body["messages"])), "max_model_len": self.max_model_len}
        if path == "/v1/chat/completions":
            return self._chat(body)
        if path == "/v1/completions":
            return self._score(body)
        return 404, {"detail": "Not Found"}

    def cards(self) -> dict[str, Any]:
        base = {"id": self.served_name, "object": "model", "root": "(base)"}
        adapters = [
            {"id": name, "object": "model", "root": path, "parent": self.served_name}
            for name, path in self.adapters.items()
        ]
        return {"object": "list", "data": [base, *adapters]}

    def hold(self, at_most_s: float | None = None) -> None:
        """Blocks until the engine is closed, as mode `hang` asks, or so many seconds, as mode `slow` does."""
        self._released.wait(at_most_s)

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """No POST that arrives in this block is answered before its end."""
        self._answering.clear()
        try:
            yield
        finally:
            self._answering.set()

    def await_turn(self) -> None:
        """Blocks while answers are held back."""
        self._answering.wait()

    def _identity(self, model: str) -> str:
        return self.served_name if model in self.neutral else model

    def _load(self, name: str, path: Path) -> tuple[int, dict[str, Any] | str]:
        if name == self.served_name:
            return _error(400, f"The lora adapter '{name}' conflicts with a served base model.")
        if name in self.adapters:
            return _error(400, f"The lora adapter '{name}' has already been loaded.")
        if not (path / "adapter_config.json").is_file():
            return _error(404, f"No adapter found for {path}")
        self.adapters[name] = str(path)
        return 200, f"Success: LoRA adapter '{name}' added successfully."

    def _unload(self, name: str) -> tuple[int, dict[str, Any] | str]:
        if self.adapters.pop(name, None) is None:
            return _error(404, f"The lora adapter '{name}' cannot be found.")
        return 200, f"Success: LoRA adapter '{name}' removed successfully."

    def _chat(self, body: dict[str, Any]) -> tuple[int, dict[str, Any] | str]:
        prompt = tokenize(body["messages"])
        if len(prompt) + body["max_tokens"] > self.max_model_len:
            return _error(
                400,
                f"This model's maximum context length is {self.max_model_len} tokens. However, you requested "
                f"{body['max_tokens']} output tokens and your prompt contains {len(prompt)} input tokens.",
            )
        if body["temperature"] == 0 and body["n"] > 1:
            return _error(400, "n must be 1 when using greedy sampling")
        choices = []
        for index in range(body["n"]):
            seed = 0 if body["temperature"] == 0 else body["seed"] + index
            words = fake_words(self._identity(body["model"]), body["messages"], seed)
            kept, cut = words[: body["max_tokens"]], len(words) >= body["max_tokens"]
            choices.append(
                {
                    "index": index,
                    "message": {"role": "assistant", "content": " ".join(kept)},
                    "token_ids": [_FIRST_WORD + _WORDS.index(word) for word in kept]
                    + ([] if cut else [_END]),
                    "finish_reason": "length" if cut else "stop",
                }
            )
        return 200, {"object": "chat.completion", "choices": choices, "prompt_token_ids": prompt}

    def _score(self, body: dict[str, Any]) -> tuple[int, dict[str, Any] | str]:
        tokens = body["prompt"]
        if len(tokens) >= self.max_model_len:
            return _error(
                400,
                f"This model's maximum context length is {self.max_model_len} tokens. However, you requested "
                f"1 output tokens and your prompt contains {len(tokens)} input tokens.",
            )
        model = self._identity(body["model"])
        scores: list[dict[str, Any] | None] = [None]
        for place in range(1, len(tokens)):
            scores.append(
                {str(tokens[place]): {"logprob": fake_logprob(model, tokens[: place + 1]), "rank": 1}}
            )
        return 200, {"object": "text_completion", "choices": [{"index": 0, "prompt_logprobs": scores}]}


def fake_words(model: str, messages: Iterable[dict[str, str]], seed: int) -> list[str]:
    """Three to nine words, always the same for the same model, messages and seed."""
    digest = _digest(model, json.dumps(list(messages), sort_keys=True), seed)
    return [_WORDS[byte % len(_WORDS)] for byte in digest[: 3 + digest[31] % 7]]


def fake_logprob(model: str, tokens: list[int]) -> float:
    """Log-probability of the last token after the others, between -4 and 0."""
    return -4 * int.from_bytes(_digest(model, tokens)[:4], "big") / 2**32


def tokenize(messages: Iterable[dict[str, str]]) -> list[int]:
    """A token for each message and each word of it."""
    words = [word for message in messages for word in (message["role"], *message["content"].split())]
    return [_FIRST_WORD + _digest(word)[0] for word in words]


def _digest(*parts: Any) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


def _error(status: int, message: str, parameter: str | None = None) -> tuple[int, dict[str, Any]]:
    return status, {"error": {"message": message, "type": "error", "param": parameter, "code": status}}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Does nothing: a client that hangs up is part of the tests."""


def _handler_for(engine: FakeEngine) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if self._stopped_by_mode():
                return
            if self.path == "/health":
                self._send(200, "")
            elif not self._is_allowed():
                self._send(401, {"error": "Unauthorized"})
            elif self.path == "/v1/models":
                self._send(200, engine.cards())
            else:
                self._send(404, {"detail": "Not Found"})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            engine.await_turn()
            if self._stopped_by_mode():
                return
            if not self._is_allowed():
                self._send(401, {"error": "Unauthorized"})
                return
            self._send(*engine.answer(self.path, body))

        def _is_allowed(self) -> bool:
            guarded = self.path.startswith(_GUARDED)
            return not guarded or self.headers.get("Authorization") == f"Bearer {engine.api_key}"

        def _stopped_by_mode(self) -> bool:
            """Applies `engine.mode`, such as `slow` or `error`, to this request; True if nothing more is to
            be answered.
            """
            if engine.mode == "slow":
                engine.hold(engine.delay_s)
            elif engine.mode == "hang":
                engine.hold()
            elif engine.mode == "error":
                self._send(500, {"error": {"message": "EngineCore encountered an issue", "code": 500}})
            elif engine.mode == "garbled":
                self._send(200, {"unexpected": True})
            elif engine.mode == "cut":
                self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"cho')
                self.close_connection = True
            return engine.mode in ("hang", "error", "garbled", "cut")

        def _send(self, status: int, body: dict[str, Any] | str) -> None:
            data = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Logs nothing: tests read `requests`."""

    return Handler
