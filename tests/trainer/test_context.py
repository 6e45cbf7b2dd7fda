"""What a run works with: the engine's clients are kept, and closed with everything else."""

import pytest

from commands.frame import Frame
from serving.client.endpoint import Endpoint, write_endpoints
from serving.errors import EngineUnreachable
from tests.families.models import build_base
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


def test_a_trainer_that_is_started_alone_chooses_what_suits_the_base(tmp_path, monkeypatch, caplog):
    base = build_base(tmp_path / "base", "qwen3")
    monkeypatch.setenv("REJOINDER_SERVING__BASE_MODEL", str(base))
    caplog.set_level("INFO")
    with open_context(tmp_path, None) as ctx:
        assert ctx.serving == Frame(tmp_path, None).settled()
        assert (ctx.serving.max_model_len, ctx.serving.max_tokens) == (256, 64)
        assert ctx.serving.chat_template_kwargs == {"enable_thinking": False}
    assert "chosen: max_tokens = 64 (a few short paragraphs, at most a quarter of the window)" in caplog.text
