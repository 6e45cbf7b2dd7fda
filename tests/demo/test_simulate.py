"""What a simulation reads of the service, on made-up answers; the whole of it is in tests/loop."""

import httpx
import pytest

from demo import simulate


def answering(*judgements: int) -> httpx.Client:
    """A service whose adapter has so many judgements counted, one answer after the other."""
    answers = iter(judgements)

    def answer(request: httpx.Request) -> httpx.Response:
        support = {"rate": 0.5, "judgements": next(answers)}
        return httpx.Response(200, json={"adapters": [{"name": "tuned-1", "support": support}]})

    return httpx.Client(base_url="http://service", transport=httpx.MockTransport(answer))


def test_support_is_read_when_the_trainer_has_counted_every_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are renewed once a minute: 172 of 300 sets were once taken for all."""
    monkeypatch.setattr(simulate, "RUN_POLL_S", 0)
    with answering(172, 172, 300) as client:
        assert simulate._read_support(client, "tuned-1", 300) == {"rate": 0.5, "judgements": 300}


def test_support_of_an_adapter_shown_to_some_is_what_stands_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(simulate, "COUNTED_WAIT_S", -1)
    with answering(58) as client:
        assert simulate._read_support(client, "tuned-1", 300) == {"rate": 0.5, "judgements": 58}
    with answering(58) as client:
        assert simulate._read_support(client, "tuned-2", 300) is None
