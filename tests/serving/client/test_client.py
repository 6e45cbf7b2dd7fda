"""One engine over HTTP: what is sent, and what bad answers become."""

import socket
from pathlib import Path

import pytest

from serving.client.client import EngineClient, Sampling
from serving.client.endpoint import Endpoint
from serving.errors import AdapterRefused, EngineRefused, EngineTimeout, EngineUnreachable, ServingError
from serving.settings import ServingSettings

SAMPLING = Sampling.from_settings(ServingSettings())
ASK = {"messages": [{"role": "user", "content": "hello"}], "sampling": SAMPLING, "chat_template_kwargs": {}}
VERBS = {
    "list": lambda client: client.list_models(),
    "generate": lambda client: client.generate(model="base", seed=1, n=2, **ASK),
    "count": lambda client: client.count_tokens(model="base", messages=[], chat_template_kwargs={}),
    "score": lambda client: client.score(model="base", prompt_token_ids=[1], reply_token_ids=[2]),
    "load": lambda client: client.load_adapter("tuned-20260102-1", Path("/x")),
}


@pytest.fixture
def client(fake_engine):
    found = EngineClient(fake_engine.endpoint)
    yield found
    found.close()


@pytest.fixture
def impatient(fake_engine):
    """For an engine that gives no answer: any other answer may take longer on a busy machine."""
    found = EngineClient(fake_engine.endpoint, timeout_s=0.3)
    yield found
    found.close()


def test_every_sampling_field_is_sent(client, fake_engine):
    client.generate(model="base", seed=41, n=2, **ASK)
    (path, body) = fake_engine.requests[-1]
    assert path == "/v1/chat/completions"
    assert {name: body[name] for name in SAMPLING.to_json()} == SAMPLING.to_json()
    assert len(SAMPLING.to_json()) == 8
    assert (body["seed"], body["n"], body["return_token_ids"], body["chat_template_kwargs"]) == (
        41,
        2,
        True,
        {},
    )


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("mode", ["slow", "hang"])
def test_an_answer_that_does_not_come_in_time_is_an_error_of_ours(impatient, fake_engine, verb, mode):
    fake_engine.mode, fake_engine.delay_s = mode, 60
    with pytest.raises(EngineTimeout):
        VERBS[verb](impatient)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("error", EngineRefused),
        ("cut", EngineUnreachable),
        ("garbled", EngineRefused),
    ],
)
def test_bad_answers_are_errors_of_ours(client, fake_engine, verb, mode, expected):
    fake_engine.mode = mode
    with pytest.raises(ServingError) as caught:
        VERBS[verb](client)
    assert type(caught.value) is expected


def test_answer_in_another_form_is_told(client, fake_engine):
    fake_engine.mode = "garbled"
    with pytest.raises(EngineRefused, match="an answer this client cannot read"):
        VERBS["generate"](client)


def test_nobody_there_is_unreachable_and_not_ready():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        client = EngineClient(Endpoint(f"http://127.0.0.1:{free.getsockname()[1]}", "k"))
        assert not client.is_ready()
        with pytest.raises(EngineUnreachable, match="could not generate from base"):
            VERBS["generate"](client)
        client.close()


def test_address_that_is_none_is_an_error_of_ours():
    client = EngineClient(Endpoint("http://127.0.0.1:99999", "k"))
    assert not client.is_ready()
    with pytest.raises(ServingError):
        client.list_models()
    client.close()


def test_wrong_key_is_told_with_its_remedy(fake_engine):
    client = EngineClient(Endpoint(fake_engine.endpoint.url, "wrong"))
    with pytest.raises(EngineRefused, match=r"Check \[serving\] api_key"):
        client.list_models()
    client.close()


def test_name_that_is_served_from_another_path_is_refused(client, fake_engine):
    fake_engine.adapters["tuned-20260102-1"] = "/elsewhere"
    with pytest.raises(AdapterRefused, match="name_taken"):
        VERBS["load"](client)
    assert not [path for path, _ in fake_engine.requests if path.endswith("load_lora_adapter")]


def test_load_is_never_in_place(client, fake_engine, tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    client.load_adapter("tuned-20260102-1", tmp_path)
    assert fake_engine.requests[-1][1] == {"lora_name": "tuned-20260102-1", "lora_path": str(tmp_path)}
