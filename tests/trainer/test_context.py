"""What a run works with: the engine's clients are kept, and closed with everything else."""

import pytest

from serving.client.endpoint import Endpoint, write_endpoints
from serving.errors import EngineUnreachable
from trainer.context import open_context


def test_a_run_keeps_one_fleet_and_closes_it_at_its_end(tmp_path):
    write_endpoints(tmp_path, [Endpoint("http://127.0.0.1:9", "key")])
    with open_context(tmp_path, None) as ctx:
        fleet = ctx.fleet_factory()
        assert ctx.fleet_factory() is fleet is ctx.deployer.fleet_factory()
        with pytest.raises(EngineUnreachable):
            fleet.list_models()
    with pytest.raises(RuntimeError, match="closed"):
        fleet.list_models()
