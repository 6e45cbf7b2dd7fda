"""A client for one engine over HTTP: generate, count, score, load, unload.

It blocks, is thread-safe and keeps connections open. Every failure of httpx and every unexpected answer of
vLLM becomes an error of `serving.errors` here and nowhere else. It knows nothing of arms or desks.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from serving.client.endpoint import Endpoint
from serving.errors import (
    AdapterNotLoaded,
    AdapterRefused,
    EngineRefused,
    EngineTimeout,
    EngineUnreachable,
    PromptTooLong,
    ServingError,
)
from serving.settings import ServingSettings

# vLLM closes idle connections after 5 s; giving them up earlier avoids sending into one that is being closed.
_LIMITS = httpx.Limits(max_connections=128, max_keepalive_connections=64, keepalive_expiry=3.0)
_READY_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Sampling:
    """All sampling parameters of a reply except its seed. They are sent and stored in full."""

    temperature: float
    top_p: float
    top_k: int
    min_p: float
    repetition_penalty: float
    presence_penalty: float
    frequency_penalty: float
    max_tokens: int

    @classmethod
    def from_settings(cls, settings: ServingSettings) -> "Sampling":
        return cls(**{name: getattr(settings, name) for name in cls.__dataclass_fields__})

    def to_json(self) -> dict[str, float | int]:
        return asdict(self)


@dataclass(frozen=True)
class Reply:
    text: str
    token_ids: list[int]
    finish_reason: str
    """`stop` for a whole reply, `length` for one that was cut off."""

    is_thought: bool = False
    """Whether the model wrote thoughts and no reply."""


@dataclass(frozen=True)
class Completions:
    prompt_token_ids: list[int]
    replies: list[Reply]


class EngineClient:
    def __init__(self, endpoint: Endpoint, *, timeout_s: float = 30) -> None:
        self.url = endpoint.url
        self.timeout_s = timeout_s
        # No proxy of the environment: engines are on loopback or a private network.
        self._http = httpx.Client(
            base_url=endpoint.url,
            headers={"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {},
            timeout=timeout_s,
            limits=_LIMITS,
            trust_env=False,
        )

    def close(self) -> None:
        self._http.close()

    def is_ready(self) -> bool:
        """Whether the engine answers that it can generate. Never raises."""
        try:
            return self._http.get("/health", timeout=_READY_TIMEOUT_S).status_code == HTTPStatus.OK
        except (httpx.HTTPError, httpx.InvalidURL):
            return False

    def list_models(self) -> list[str]:
        """Names that may be asked for: the base's and those of the loaded adapters."""
        return [str(card["id"]) for card in self._read_cards()]

    def generate(
        self,
        *,
        model: str,
        messages: Sequence[dict[str, str]],
        sampling: Sampling,
        seed: int,
        n: int,
        chat_template_kwargs: dict[str, Any],
        stop_token_ids: Sequence[int] = (),
    ) -> Completions:
        """`n` replies to the messages. Reply i is sampled with seed + i; n > 1 needs a temperature above 0.

        `stop_token_ids`: ids that end a reply beside those that the engine knows of its base.
        """
        attempted = f"generate from {model}"
        answer = self._post(
            "/v1/chat/completions",
            {
                "model": model,
                "messages": list(messages),
                "n": n,
                "seed": seed,
                **sampling.to_json(),
                "chat_template_kwargs": chat_template_kwargs,
                "return_token_ids": True,
                "stream": False,
                **({"stop_token_ids": list(stop_token_ids)} if stop_token_ids else {}),
            },
            attempted,
            model,
        )
        with self._shape_checked(attempted):
            choices = sorted(answer["choices"], key=lambda choice: int(choice["index"]))
            replies = [
                Reply(
                    choice["message"]["content"] or "",
                    list(choice["token_ids"]),
                    str(choice["finish_reason"]),
                )
                for choice in choices
            ]
            return Completions(list(answer["prompt_token_ids"]), replies)

    def count_tokens(
        self, *, model: str, messages: Sequence[dict[str, str]], chat_template_kwargs: dict[str, Any]
    ) -> int:
        """The number of tokens in the prompt that `generate` would make of these messages."""
        attempted = f"count tokens for {model}"
        body = {
            "model": model,
            "messages": list(messages),
            "add_generation_prompt": True,
            "chat_template_kwargs": chat_template_kwargs,
        }
        answer = self._post("/tokenize", body, attempted, model)
        with self._shape_checked(attempted):
            return int(answer["count"])

    def score(
        self, *, model: str, prompt_token_ids: Sequence[int], reply_token_ids: Sequence[int]
    ) -> list[float]:
        """Log-probability (nats, temperature 1) of each reply token after all tokens before it."""
        attempted = f"score with {model}"
        tokens = [*prompt_token_ids, *reply_token_ids]
        body = {
            "model": model,
            "prompt": tokens,
            "max_tokens": 1,
            "temperature": 0,
            "prompt_logprobs": 0,
            "stream": False,
        }
        answer = self._post("/v1/completions", body, attempted, model)
        with self._shape_checked(attempted):
            scores = answer["choices"][0]["prompt_logprobs"]
            first = len(prompt_token_ids)
            return [float(scores[i][str(tokens[i])]["logprob"]) for i in range(first, len(tokens))]

    def load_adapter(self, name: str, path: Path) -> None:
        """Loads a version under its name.

        Loading it again is harmless; the same name from another path is refused.
        """
        where = str(path.resolve())
        if self._is_served(name, where):
            return
        attempted = f"load adapter {name}"
        try:
            self._post("/v1/load_lora_adapter", {"lora_name": name, "lora_path": where}, attempted, "")
        except EngineRefused as error:
            if "No adapter found" in error.message:
                raise AdapterRefused(
                    name, "missing_file", f"the engine finds no adapter at {where}"
                ) from error
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED):
                raise  # not this adapter's fault: no such route, or no right to it
            if self._is_served(name, where):  # somebody loaded it between the question and the order
                return
            raise AdapterRefused(name, "engine_refused", error.message) from error

    def unload_adapter(self, name: str) -> None:
        """Unloads the adapter of that name.

        Replies in progress finish; new requests get AdapterNotLoaded. To call it again is harmless.
        """
        try:
            self._post("/v1/unload_lora_adapter", {"lora_name": name}, f"unload adapter {name}", name)
        except AdapterNotLoaded:
            pass

    def _is_served(self, name: str, where: str) -> bool:
        for card in self._read_cards():
            if card["id"] == name:
                if card.get("root") != where:
                    raise AdapterRefused(
                        name, "name_taken", f"the engine serves it from {card.get('root')}, not {where}"
                    )
                return True
        return False

    def _read_cards(self) -> list[dict[str, Any]]:
        attempted = "list models"
        answer = self._send("GET", "/v1/models", None, attempted, "")
        with self._shape_checked(attempted):
            cards = list(answer.json()["data"])
            assert all("id" in card for card in cards)
            return cards

    def _post(self, path: str, body: dict[str, Any], attempted: str, model: str) -> Any:
        answer = self._send("POST", path, body, attempted, model)
        if path.endswith("_lora_adapter"):
            return None  # these two answer in plain text
        with self._shape_checked(attempted):
            return answer.json()

    def _send(
        self, method: str, path: str, body: dict[str, Any] | None, attempted: str, model: str
    ) -> httpx.Response:
        with map_failures(self.url, attempted, self.timeout_s):
            answer = self._http.request(method, path, json=body)
        if answer.status_code != HTTPStatus.OK:
            raise read_refusal(answer, self.url, attempted, model)
        return answer

    @contextmanager
    def _shape_checked(self, attempted: str) -> Iterator[None]:
        """Raises EngineRefused for a 200 that cannot be read: it comes from another server or version."""
        try:
            yield
        except (KeyError, IndexError, TypeError, ValueError, AssertionError) as error:
            raise EngineRefused(
                self.url, attempted, HTTPStatus.OK, f"with an answer this client cannot read ({error!r})"
            ) from error


@contextmanager
def map_failures(url: str, attempted: str, timeout_s: float) -> Iterator[None]:
    """Turns every failure of httpx into one of our errors.

    A connection that could not be made in time is EngineUnreachable, not EngineTimeout.
    """
    try:
        yield
    except httpx.ConnectTimeout as error:
        raise EngineUnreachable(url, attempted, "no connection in time") from error
    except httpx.TimeoutException as error:
        raise EngineTimeout(url, attempted, timeout_s) from error
    except httpx.TransportError as error:
        raise EngineUnreachable(url, attempted, str(error) or type(error).__name__) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict) as error:
        raise EngineRefused(url, attempted, 0, f"{type(error).__name__}: {error}") from error


def read_refusal(answer: httpx.Response, url: str, attempted: str, model: str) -> ServingError:
    """The error that stands for an answer with a status other than 200."""
    message, parameter = _read_message(answer)
    if (
        answer.status_code == HTTPStatus.NOT_FOUND
        and model
        and (parameter == "model" or f"'{model}'" in message)
    ):
        return AdapterNotLoaded(model, url)
    if answer.status_code == HTTPStatus.BAD_REQUEST and "maximum context length" in message:
        numbers = [int(number) for number in re.findall(r"\d+", message)]
        return PromptTooLong(max(numbers[1:], default=0), numbers[0] if numbers else 0, url)
    return EngineRefused(url, attempted, answer.status_code, message)


def _read_message(answer: httpx.Response) -> tuple[str, str]:
    """The message and the parameter of an error body; vLLM and its web framework use different forms."""
    try:
        body = answer.json()
        error = body.get("error", body.get("detail"))
    except (ValueError, AttributeError):
        return answer.text[:500].strip() or answer.reason_phrase, ""
    if isinstance(error, dict):
        return str(error.get("message", error)), str(error.get("param") or "")
    return str(error or body), ""
