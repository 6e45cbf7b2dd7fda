"""What Rejoinder relies on in the engine of a checkpoint: the same checks on the stand-in and on vLLM."""

import pytest

from serving.client.client import EngineClient, Sampling
from serving.errors import AdapterNotLoaded
from serving.settings import ServingSettings

SAMPLING = Sampling.from_settings(ServingSettings(max_tokens=24))
HELLO = [{"role": "user", "content": "Where is my order?"}]


def check_contract(client: EngineClient, name: str) -> None:
    """It serves its checkpoint under that name alone, seeded and scored like the engine of the base."""

    def generate(model: str, seed: int, n: int):
        return client.generate(
            model=model, messages=HELLO, sampling=SAMPLING, seed=seed, n=n, chat_template_kwargs={}
        )

    assert client.is_ready() and client.list_models() == [name]
    first = generate(name, 100, 2)
    assert generate(name, 100, 2) == first
    assert generate(name, 101, 1).replies[0] == first.replies[1]
    assert all(reply.token_ids for reply in first.replies)
    prompt, reply = first.prompt_token_ids, first.replies[0].token_ids
    assert len(prompt) == client.count_tokens(model=name, messages=HELLO, chat_template_kwargs={})
    scores = client.score(model=name, prompt_token_ids=prompt, reply_token_ids=reply)
    assert len(scores) == len(reply) and all(score <= 0 for score in scores)
    for other in ("base", "zero", "tuned-20260102-999"):
        with pytest.raises(AdapterNotLoaded):
            generate(other, 1, 1)
