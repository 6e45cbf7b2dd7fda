"""What Rejoinder relies on in an engine: the same tests on the stand-in and on the real vLLM.

Adapters for the real one are random LoRAs on its base; the stand-in looks only at their directory.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from serving.client.client import EngineClient, Sampling
from serving.client.endpoint import Endpoint
from serving.client.fake import FakeEngine
from serving.errors import (
    AdapterNotLoaded,
    AdapterRefused,
    EngineRefused,
    EngineUnreachable,
    PromptTooLong,
)
from serving.settings import ServingSettings

SAMPLING = Sampling.from_settings(ServingSettings(max_tokens=24))
GREEDY = Sampling.from_settings(ServingSettings(max_tokens=24, temperature=0))
HELLO = [
    {"role": "system", "content": "You answer politely."},
    {"role": "user", "content": "Where is my order? It should be here."},
]


@dataclass(frozen=True)
class Subject:
    client: EngineClient
    adapter: Path
    """A directory that this engine loads."""


@pytest.fixture(
    scope="module", params=["fake", pytest.param("vllm", marks=[pytest.mark.real, pytest.mark.alone])]
)
def subject(request, tmp_path_factory) -> Iterator[Subject]:
    folder = tmp_path_factory.mktemp("contract") / "weights"
    if request.param == "vllm":
        from tests.serving.tiny_model import build_adapter

        real = request.getfixturevalue("real_engine")
        yield Subject(real.client, build_adapter(real.base, folder, seed=5, strength=0.5))
        return
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    with FakeEngine() as engine:
        client = EngineClient(engine.endpoint)
        yield Subject(client, folder)
        client.close()


@pytest.fixture
def client(subject) -> EngineClient:
    return subject.client


@pytest.fixture
def adapter(subject) -> Path:
    return subject.adapter


def generate(client, *, model="base", messages=HELLO, sampling=SAMPLING, seed=7, n=2):
    return client.generate(
        model=model, messages=messages, sampling=sampling, seed=seed, n=n, chat_template_kwargs={}
    )


def test_engine_is_ready_and_serves_base_and_zero(client):
    assert client.is_ready()
    assert client.list_models()[:2] == ["base", "zero"]


def test_generation_gives_each_reply_with_its_tokens(client):
    found = generate(client, n=3)
    assert len(found.replies) == 3
    for reply in found.replies:
        assert isinstance(reply.text, str) and 0 < len(reply.token_ids) <= 24
        assert reply.finish_reason in ("stop", "length")
    assert len(found.prompt_token_ids) == client.count_tokens(
        model="base", messages=HELLO, chat_template_kwargs={}
    )


def test_same_seed_same_replies_and_reply_i_has_seed_plus_i(client):
    first = generate(client, seed=100, n=2)
    assert generate(client, seed=100, n=2) == first
    assert generate(client, seed=101, n=1).replies[0] == first.replies[1]
    assert generate(client, seed=500, n=2).replies != first.replies


def test_reply_is_cut_at_its_longest(client):
    short = Sampling(**{**SAMPLING.to_json(), "max_tokens": 2})
    (reply,) = generate(client, sampling=short, n=1).replies
    assert reply.finish_reason == "length" and len(reply.token_ids) == 2


def test_greedy_ignores_the_seed_and_gives_one_reply_only(client):
    assert generate(client, sampling=GREEDY, n=1, seed=1) == generate(client, sampling=GREEDY, n=1, seed=2)
    with pytest.raises(EngineRefused) as caught:
        generate(client, sampling=GREEDY, n=2)
    assert caught.value.status == 400


def test_zero_adapter_answers_as_base_does(client):
    assert generate(client, model="zero") == generate(client, model="base")


def test_score_gives_a_log_probability_for_each_reply_token(client):
    found = generate(client, n=1)
    reply = found.replies[0].token_ids
    scores = client.score(model="base", prompt_token_ids=found.prompt_token_ids, reply_token_ids=reply)
    assert len(scores) == len(reply) and all(score <= 0 for score in scores)
    # A token's number depends on what stands before it only.
    shorter = client.score(model="base", prompt_token_ids=found.prompt_token_ids, reply_token_ids=reply[:1])
    assert shorter == pytest.approx(scores[:1], abs=1e-5)
    assert client.score(model="base", prompt_token_ids=found.prompt_token_ids, reply_token_ids=[]) == []


def test_too_long_prompt_is_told_as_such(client):
    long = [{"role": "user", "content": "order " * 2000}]
    with pytest.raises(PromptTooLong) as caught:
        generate(client, messages=long)
    assert caught.value.budget == 1024 and caught.value.tokens > 1000
    with pytest.raises(PromptTooLong):
        client.score(model="base", prompt_token_ids=[11] * 1100, reply_token_ids=[11])


@pytest.mark.parametrize("verb", ["generate", "count", "score"])
def test_unknown_model_is_an_adapter_that_is_not_loaded(client, verb):
    ask: dict[str, Callable[[], object]] = {
        "generate": lambda: generate(client, model="tuned-20260102-999"),
        "count": lambda: client.count_tokens(
            model="tuned-20260102-999", messages=HELLO, chat_template_kwargs={}
        ),
        "score": lambda: client.score(
            model="tuned-20260102-999", prompt_token_ids=[11], reply_token_ids=[12]
        ),
    }
    with pytest.raises(AdapterNotLoaded, match="tuned-20260102-999"):
        ask[verb]()


def test_adapter_is_loaded_used_and_taken_away(client, adapter, adapter_names):
    name = adapter_names()
    client.load_adapter(name, adapter)
    try:
        assert name in client.list_models()
        assert generate(client, model=name) != generate(client, model="base")
        client.load_adapter(name, adapter)  # the same again is harmless
        assert client.list_models().count(name) == 1
        with pytest.raises(AdapterRefused, match="name_taken"):
            client.load_adapter(name, adapter.parent)
    finally:
        client.unload_adapter(name)
    assert name not in client.list_models()
    with pytest.raises(AdapterNotLoaded):
        generate(client, model=name)
    client.unload_adapter(name)  # and so is taking it away again


def test_adapter_that_is_not_there_is_refused(client, adapter_names, tmp_path):
    name = adapter_names()
    with pytest.raises(AdapterRefused, match="missing_file"):
        client.load_adapter(name, tmp_path / "absent")
    assert name not in client.list_models()


@pytest.mark.parametrize("name", ["base", "zero"])
def test_names_of_the_base_are_never_given_to_an_adapter(client, adapter, name):
    with pytest.raises(AdapterRefused, match="name_taken"):
        client.load_adapter(name, adapter)


def test_key_is_needed(client):
    stranger = EngineClient(Endpoint(client.url, "wrong"))
    try:
        with pytest.raises(EngineRefused) as caught:
            stranger.list_models()
        assert caught.value.status == 401
    finally:
        stranger.close()


def test_nobody_listens_next_door(client):
    stranger = EngineClient(Endpoint("http://127.0.0.1:9", "k"))
    try:
        with pytest.raises(EngineUnreachable):
            generate(stranger)
    finally:
        stranger.close()
