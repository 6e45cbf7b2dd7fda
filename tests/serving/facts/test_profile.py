"""Facts about bases of many families: the right value of each, worked out from the family's own files."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from serving.facts.engine_models import find_engine_model
from serving.facts.profile import BaseProfile, read_profile
from tests.families.models import build_base
from tests.families.table import FAMILIES

LLAMA = ("down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj")
ATTENTION = ("k_proj", "o_proj", "q_proj", "v_proj")
LAYERS = {
    "qwen2": LLAMA,
    "llama3": LLAMA,
    "mistral": LLAMA,
    "gemma2": LLAMA,
    "cohere": LLAMA,
    "qwen3-moe": ATTENTION,
    "gpt-oss": ATTENTION,
    "glm4": ("down_proj", *ATTENTION),
    "glm4-moe": ATTENTION,
    "phi": ("dense", "fc1", "fc2", "k_proj", "q_proj", "v_proj"),
    "phi3": ("down_proj", "gate_up_proj", "o_proj", "qkv_proj"),
    "gpt-neox": ("dense", "dense_4h_to_h", "dense_h_to_4h", "query_key_value"),
    "deepseek-v3": ("kv_a_proj_with_mqa", "o_proj", "q_a_proj", "q_b_proj"),
}


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """Gives the facts of a tiny base by the name of its family."""
    root = tmp_path_factory.mktemp("bases")

    @cache
    def build(name: str) -> BaseProfile:
        return read_profile(build_base(root / name, name))

    return build


@pytest.mark.parametrize("name", LAYERS)
def test_adapter_takes_the_language_layers_that_the_engine_takes(profile, name):
    assert profile(name).adapter_layers == LAYERS[name]


def test_no_adapter_takes_a_router_an_expert_or_a_layer_that_the_engine_folds(profile):
    assert dict(profile("qwen3-moe").layers.left_out) == {
        "gate": "router",
        "down_proj": "expert",
        "gate_proj": "expert",
        "up_proj": "expert",
    }
    assert profile("deepseek-v3").layers.left_out["kv_b_proj"] == "folded"


def test_glm4_has_a_fused_layer_that_the_engine_does_not_take(profile):
    assert "gate_up_proj" in profile("glm4").layers.names
    assert not profile("glm4").engine.accepts("gate_up_proj")
    assert profile("phi3").engine.accepts("gate_up_proj")


@pytest.mark.parametrize(
    ("name", "lora"), [("gpt2", False), ("falcon", False), ("gpt-neox", True), ("phi", True)]
)
def test_engine_that_serves_a_base_may_take_no_adapter_for_it(profile, name, lora):
    assert profile(name).engine.serves and profile(name).engine.lora is lora


def test_transposed_layers_are_seen(profile):
    assert profile("gpt2").layers.transposed and not profile("phi").layers.transposed


ENDS = {
    "qwen2": ((2,), 2),
    "llama3": ((1, 4), 4),
    "gemma2": ((1, 4), 4),  # EOS is <eos>, a turn ends on <end_of_turn>
    "glm4": ((0, 4), 4),  # what opens the user's turn ends the assistant's
    "mistral": ((2,), 2),
    "no-template": ((2,), 2),
    "no-end": ((), None),
}


@pytest.mark.parametrize("name", ENDS)
def test_turn_ends_on_what_template_tokenizer_and_generation_config_name(profile, name):
    ends = profile(name).ends
    assert (ends.ids, ends.turn_end) == ENDS[name]


@pytest.mark.parametrize(
    ("name", "system", "alternates", "dated"),
    [
        ("qwen3", True, False, False),
        ("gemma2", False, True, False),
        ("mistral", False, False, False),
        ("llama3.1", True, False, True),  # in the system message alone
    ],
)
def test_template_is_known_by_trying_it(profile, name, system, alternates, dated):
    template = profile(name).template
    assert (template.takes_system, template.needs_alternation) == (system, alternates)
    assert template.prints_date is dated


def test_switch_for_thinking_is_found_or_its_absence_said(profile):
    assert profile("qwen3").template.thinking_off == {"enable_thinking": False}
    assert profile("r1").template.thinking_off == {} and profile("r1").template.always_thinks
    assert not profile("qwen2").template.always_thinks
    assert profile("no-template").template.text == ""


def test_facts_need_no_heavy_library(tmp_path):
    build_base(tmp_path / "base", "qwen3")
    script = (
        "import sys; from pathlib import Path; from serving.facts.profile import read_profile;"
        "read_profile(Path(sys.argv[1])); print({'torch', 'transformers', 'vllm'} & set(sys.modules))"
    )
    root = Path(__file__).resolve().parents[3]
    found = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "base")],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
    )
    assert found.stdout.strip() == "set()"


def test_every_family_is_read(profile):
    for name in FAMILIES:
        facts = profile(name)
        assert facts.window == 256 and facts.embedding_rows == 320 and facts.dtype == "float32"
        assert facts.trainable and facts.parameters > 16_000


def test_the_engine_names_modules_as_its_source_says():
    nested = find_engine_model("Gemma3ForConditionalGeneration")
    called = "language_model.model.layers.0.mlp.down_proj"
    assert nested.name_module("model.language_model.layers.0.mlp.down_proj") == called
    assert nested.name_module(called) == called
    assert find_engine_model("Gemma3ForCausalLM").name_module("model.layers.0.mlp") == "model.layers.0.mlp"
