"""The stand-in for the engine of a checkpoint; the real one: tests/loop/test_checkpoint.py."""

from serving.client.client import EngineClient
from serving.client.fake import FakeEngine
from tests.contract.checkpoint import check_contract


def test_the_stand_in_serves_a_checkpoint_as_the_real_one_does():
    name = "tuned-20260102-1"
    with FakeEngine(served_name=name, zero_name=None) as engine:
        client = EngineClient(engine.endpoint)
        check_contract(client, name)
        client.close()
