"""The dry pass of a base whose template has no system role, and of one whose template refuses a prompt."""

from contextlib import closing
from dataclasses import replace

import pytest

from serving.backend import ZERO_NAME
from serving.client.fleet import Fleet
from serving.settings import ServingSettings
from tests.clock import FrozenClock
from tests.databases import START
from tests.families.models import build_family
from tests.families.table import FAMILIES, GEMMA
from tests.trainer.computing_engine import ComputingEngine
from tests.trainer.conftest import TINY
from tests.trainer.nights import LAX
from trainer.context import NightContext
from trainer.errors import TrialFailed
from trainer.evaluation.guards.sets import list_prompts
from trainer.release.trial import make_trial
from trainer.settings import TrainerSettings

REFUSING = "{% if 'password' in messages[-1]['content'] %}{{ raise_exception('no such talk') }}{% endif %}"


def make_context(store_engine, base, folder, fleet) -> NightContext:
    return NightContext(
        store_engine=store_engine,
        data_dir=folder,
        settings=TrainerSettings(),
        serving=ServingSettings(base_model=str(base), backend="cpu"),
        fleet_factory=lambda: fleet,
        clock=FrozenClock(START),
        desk_id="default",
        policy=LAX,
    )


def try_family(sqlite_engine, tmp_path, family):
    """What the engine was asked to score with the adapter, by its prompt's ids, and the adapters it holds."""
    base = build_family(tmp_path / "base", family)
    with (
        ComputingEngine(base) as engine,
        closing(Fleet.from_endpoints([engine.endpoint], ServingSettings(backend="cpu"))) as fleet,
    ):
        ctx = make_context(sqlite_engine, base, tmp_path, fleet)
        assert make_trial(ctx, TINY, tmp_path / "trial", name="trial-x") < 1e-4
        assert list(engine.adapters) == [ZERO_NAME]
        return base, [body["prompt"] for _, body in engine.requests if body.get("model") == "trial-x"]


def test_three_prompts_are_probed_as_a_set_would_be_rendered(sqlite_engine, tmp_path):
    from transformers import AutoTokenizer

    from trainer.data.tokens import encode_prompt

    base, asked = try_family(sqlite_engine, tmp_path, FAMILIES["gemma2"])
    tokenizer, prompts = AutoTokenizer.from_pretrained(base), list_prompts(3)
    assert [message["role"] for message in prompts[0]] == ["system", "user"]
    rendered = [encode_prompt(tokenizer, prompt, {}) for prompt in prompts]
    assert [ids[: len(whole)] for ids, whole in zip(asked, rendered, strict=True)] == rendered
    system, user = (message["content"] for message in prompts[0])
    folded = f"<bos><start_of_turn>user\n{system}\n\n{user}<end_of_turn>\n<start_of_turn>model\n"
    assert tokenizer.decode(asked[0]).startswith(folded)


def test_a_template_that_refuses_one_of_our_prompts_is_refused_before_the_first_step(sqlite_engine, tmp_path):
    family = replace(FAMILIES["gemma2"], template=REFUSING + GEMMA)
    with pytest.raises(TrialFailed, match=r"refuses the messages: no such talk\. Correct chat_template"):
        try_family(sqlite_engine, tmp_path, family)
