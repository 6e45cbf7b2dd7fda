"""Which bases train and serve, and what is said of those that do not."""

from functools import cache

import pytest

from serving.engine.preflight import require_served
from serving.errors import BaseUnfit
from serving.facts.describe import describe_layers, describe_size, describe_turns
from serving.facts.profile import read_profile
from serving.facts.verdict import BaseVerdict, judge_base
from serving.settings import ServingSettings
from tests.families.models import build_base


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Gives the folder of a tiny base by the name of its family."""
    root = tmp_path_factory.mktemp("bases")
    return cache(lambda name: build_base(root / name, name))


def judge(folder, name: str, backend="cpu") -> BaseVerdict:
    return judge_base(read_profile(folder(name)), backend=backend)


@pytest.mark.parametrize(
    "name", ["qwen2", "qwen3", "llama3", "mistral", "gemma2", "phi", "phi3", "glm4", "cohere"]
)
def test_dense_base_that_the_engine_adapts_trains_and_serves(folder, name):
    assert judge(folder, name).words == "trains and serves"


@pytest.mark.parametrize(
    ("name", "words", "reason"),
    [
        ("gpt2", "neither trains nor serves", "takes no adapter"),
        ("falcon", "trains, does not serve", "takes no adapter"),
        ("qwen3-moe", "trains, does not serve", "mixture of experts on a CPU"),
        ("no-template", "neither trains nor serves", "no chat template"),
        ("no-end", "neither trains nor serves", "ends a reply"),
        ("r1", "trains, does not serve", "opens every reply with a thought"),
    ],
)
def test_what_cannot_be_trained_or_served_is_refused_with_reason_and_remedy(folder, name, words, reason):
    verdict = judge(folder, name)
    assert verdict.words == words
    assert any(reason in one.reason and one.remedy for one in verdict.obstacles)


def test_mixture_of_experts_serves_on_a_gpu(folder):
    assert judge(folder, "qwen3-moe", "cuda").words == "trains and serves"


def test_engine_is_not_started_for_a_base_that_it_cannot_serve(folder):
    settings = ServingSettings(backend="cpu", base_model=str(folder("no-template")))
    with pytest.raises(BaseUnfit, match="instruct version"):
        require_served(settings, folder("no-template"))
    require_served(settings, folder("qwen3"))


def test_facts_are_told_in_sentences(folder):
    profile = read_profile(folder("glm4"))
    assert describe_size(profile) == "Glm4ForCausalLM, 42,528 weights in float32, window 256 tokens"
    assert describe_layers(profile) == (
        "an adapter changes down_proj, k_proj, o_proj, q_proj, v_proj; not gate_up_proj (engine)"
    )
    assert describe_turns(profile) == "a turn ends on token 4 (or 0), takes a system text"
    assert describe_turns(read_profile(folder("qwen3"))) == (
        "a turn ends on token 2, takes a system text, thinking is turned off by enable_thinking = false"
    )
    assert "has no system role, wants roles to alternate" in describe_turns(read_profile(folder("gemma2")))
