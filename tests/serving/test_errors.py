"""Every failure of httpx and every answer of the engine becomes one of our errors, with a text that helps."""

import inspect

import httpx
import pytest

import serving.errors
from serving.client.client import map_failures, read_refusal
from serving.errors import (
    AdapterNotLoaded,
    EngineRefused,
    EngineTimeout,
    EngineUnreachable,
    PromptTooLong,
    ServingError,
)

URL = "http://127.0.0.1:1"
FAILURES = sorted(
    (
        kind
        for kind in vars(httpx).values()
        if inspect.isclass(kind) and issubclass(kind, Exception) and kind is not httpx.HTTPStatusError
    ),
    key=lambda kind: kind.__name__,
)


def make(kind: type[Exception]) -> Exception:
    """An instance without knowing its constructor."""
    failure = kind.__new__(kind)
    Exception.__init__(failure, "broken")
    failure.args = ("broken",)
    return failure


@pytest.mark.parametrize("kind", FAILURES)
def test_every_failure_of_httpx_is_mapped(kind):
    with pytest.raises(ServingError) as caught, map_failures(URL, "generate from base", 3):
        raise make(kind)
    assert "could not generate from base" in str(caught.value) and URL in str(caught.value)


def test_the_list_of_failures_is_not_empty():
    assert len(FAILURES) >= 25


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (httpx.ReadTimeout, EngineTimeout),
        (httpx.WriteTimeout, EngineTimeout),
        (httpx.PoolTimeout, EngineTimeout),
        (httpx.ConnectTimeout, EngineUnreachable),
        (httpx.ConnectError, EngineUnreachable),
        (httpx.RemoteProtocolError, EngineUnreachable),
        (httpx.ReadError, EngineUnreachable),
        (httpx.DecodingError, EngineRefused),
        (httpx.InvalidURL, EngineRefused),
    ],
)
def test_failures_are_told_apart(kind, expected):
    with pytest.raises(ServingError) as caught, map_failures(URL, "x", 3):
        raise make(kind)
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("status", "body", "expected", "text"),
    [
        (
            404,
            {"error": {"message": "The model `m` does not exist.", "param": "model"}},
            AdapterNotLoaded,
            "use m",
        ),
        (404, {"error": {"message": "The lora adapter 'm' cannot be found."}}, AdapterNotLoaded, "use m"),
        (404, {"detail": "Not Found"}, EngineRefused, "run-time LoRA updating switched on"),
        (401, {"error": "Unauthorized"}, EngineRefused, "Check [serving] api_key"),
        (500, {"error": {"message": "EngineCore died"}}, EngineRefused, "answered 500: EngineCore died."),
        (502, "<html>bad gateway</html>", EngineRefused, "bad gateway"),
        (503, "", EngineRefused, "Service Unavailable"),
        (200 + 99, ["odd"], EngineRefused, "299"),
        (
            400,
            {"error": {"message": "This model's maximum context length is 64 tokens. You asked for 90."}},
            PromptTooLong,
            "90 tokens are needed and 64 are allowed",
        ),
    ],
)
def test_answers_are_told_apart(status, body, expected, text):
    answer = httpx.Response(status, **({"text": body} if isinstance(body, str) else {"json": body}))
    error = read_refusal(answer, URL, "draw from m", "m")
    assert type(error) is expected and text in str(error)


def test_every_error_of_the_package_has_one_ancestor_and_is_drawn_in_the_tree():
    kinds = [
        kind
        for kind in vars(serving.errors).values()
        if inspect.isclass(kind) and issubclass(kind, Exception)
    ]
    assert len(kinds) >= 15
    for kind in kinds:
        assert issubclass(kind, ServingError) and kind.__name__ in serving.errors.__doc__


def test_key_of_an_endpoint_is_not_printed():
    from serving.client.endpoint import Endpoint

    assert "k-123" not in repr(Endpoint(URL, "k-123"))
