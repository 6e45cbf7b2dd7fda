"""One request to any OpenAI-compatible address, answered in a JSON schema: the helper's way out.

It blocks and is thread-safe. It repeats nothing, reads at most a megabyte within the time given, follows no
redirect, and keeps neither key nor texts: every failure becomes a ChatFailed that names its kind alone.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from serving.client.endpoint import Endpoint
from serving.errors import ServingError

MOST_BYTES = 1_000_000
UNREACHABLE, REFUSED, BUSY, UNKNOWN = "unreachable", "refused", "busy", "unknown"
_FORMAT_WORDS = ("response_format", "json_schema")


class ChatFailed(ServingError):
    """No answer. `kind`: unreachable and busy may be tried again; refused not; unknown: it may have been paid
    for, since the request was sent and the answer did not arrive whole.
    """

    def __init__(
        self, url: str, kind: str, code: str, *, retry_after_s: float | None = None, is_format: bool = False
    ) -> None:
        self.kind = kind
        self.code = code
        self.retry_after_s = retry_after_s
        self.is_format = is_format
        super().__init__(f"no answer from the model at {url} ({code}).")


@dataclass(frozen=True)
class ChatAnswer:
    """`model` is the name that the address itself gives; numbers of tokens are None where it tells none."""

    text: str
    finish_reason: str
    is_refusal: bool
    model: str
    tokens_in: int | None
    tokens_out: int | None


class ChatClient:
    def __init__(self, endpoint: Endpoint, *, timeout_s: float, trust_env: bool = True) -> None:
        """`endpoint.url` is what stands before `/chat/completions`. `trust_env`: takes proxies from it."""
        self.url = endpoint.url.rstrip("/")
        self._timeout_s = timeout_s
        headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
        self._http = httpx.Client(headers=headers, timeout=timeout_s, trust_env=trust_env)

    def close(self) -> None:
        self._http.close()

    def list_models(self) -> list[str]:
        """The names of the models there, without a price at any address. Raises ChatFailed."""
        return [str(card["id"]) for card in self._ask("GET", "/models", None)["data"]]

    def complete(
        self,
        *,
        model: str,
        messages: Sequence[Mapping[str, str]],
        response_format: Mapping[str, Any],
        max_tokens: int,
    ) -> ChatAnswer:
        """The most likely answer. Raises ChatFailed."""
        body = {
            "model": model,
            "messages": list(messages),
            "response_format": response_format,
            "max_tokens": max_tokens,
            "temperature": 0,
        }
        answer = self._ask("POST", "/chat/completions", body)
        try:
            return read_answer(answer)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise ChatFailed(self.url, UNKNOWN, "unreadable") from error

    def _ask(self, method: str, path: str, body: Any) -> Any:
        until = time.monotonic() + self._timeout_s
        try:
            with self._http.stream(method, self.url + path, json=body) as answer:
                text = self._read(answer, until)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.InvalidURL) as error:
            raise ChatFailed(self.url, UNREACHABLE, "no_connection") from error
        except httpx.TimeoutException as error:
            raise ChatFailed(self.url, UNKNOWN, "timeout") from error
        except httpx.HTTPError as error:
            raise ChatFailed(self.url, UNKNOWN, "broken") from error
        if answer.status_code != HTTPStatus.OK:
            raise read_failure(self.url, answer, text)
        try:
            return json.loads(text)
        except ValueError as error:
            raise ChatFailed(self.url, UNKNOWN, "unreadable") from error

    def _read(self, answer: httpx.Response, until: float) -> bytes:
        """The body, unless it is endless or drips: a time limit of httpx is one for each piece."""
        held = b""
        for piece in answer.iter_bytes():
            held += piece
            if len(held) > MOST_BYTES:
                raise ChatFailed(self.url, UNKNOWN, "too_long")
            if time.monotonic() > until:
                raise ChatFailed(self.url, UNKNOWN, "timeout")
        return held


def read_answer(answer: Any) -> ChatAnswer:
    choice = answer["choices"][0]
    message, usage = choice["message"], answer.get("usage") or {}
    finish = str(choice.get("finish_reason") or "stop")
    return ChatAnswer(
        _clean(message.get("content")),
        finish,
        bool(message.get("refusal")) or finish == "content_filter",
        _clean(answer.get("model")),
        _count(usage.get("prompt_tokens")),
        _count(usage.get("completion_tokens")),
    )


def _clean(told: Any) -> str:
    """The text without what no store can keep."""
    return str(told or "").encode(errors="replace").decode().replace("\0", "\ufffd")


def _count(told: Any) -> int | None:
    return told if type(told) is int and 0 <= told < 2**31 else None


def read_failure(url: str, answer: httpx.Response, body: bytes) -> ChatFailed:
    """What stands for an answer with another status. Its words are not kept: they may quote what was sent."""
    status = answer.status_code
    kind = BUSY if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500 else REFUSED
    told = body.decode(errors="replace")
    is_format = kind == REFUSED and any(word in told for word in _FORMAT_WORDS)
    waits = answer.headers.get("Retry-After", "")
    return ChatFailed(
        url,
        kind,
        f"http_{status}",
        retry_after_s=float(waits) if waits.isdecimal() else None,
        is_format=is_format,
    )
