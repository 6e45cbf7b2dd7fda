"""Which layers an adapter changes of a base with a vision part, and of a mixture of experts."""

import json
from pathlib import Path
from typing import Any

import pytest
from peft import LoraConfig, get_peft_model

from serving.adapters.check import check_adapter
from serving.adapters.staging import write_zero_adapter
from serving.errors import AdapterRefused
from serving.facts.profile import read_profile
from serving.tensors import read_header
from trainer.base_model import load_base
from trainer.recipes.recipe import Recipe
from trainer.release.trial import save_untrained
from trainer.training.saving import save_adapter

RECIPE = Recipe(name="family", rank=4, alpha=8, threads=1)
MIXTURES = {
    "qwen3-moe": {"q_proj", "k_proj", "v_proj", "o_proj"},
    "glm4-moe": {"q_proj", "k_proj", "v_proj", "o_proj"},
    "deepseek-v3": {"q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "o_proj"},
    "gpt-oss": {"q_proj", "k_proj", "v_proj", "o_proj"},
}


def list_modules(weights: Path) -> set[str]:
    names = read_header(weights / "adapter_model.safetensors")
    return {name.removeprefix("base_model.model.").rsplit(".lora_", 1)[0] for name in names}


def test_an_adapter_changes_the_language_layers_beside_a_vision_tower(find_base, tmp_path):
    base = find_base("gemma3-vision")
    save_untrained(base, RECIPE, tmp_path / "weights")
    assert "vision_tower" in " ".join(name for name, _ in load_base(base, "float32").named_modules())
    modules = list_modules(tmp_path / "weights")
    assert {name.rsplit(".layers.", 1)[0] for name in modules} == {"model.language_model"}
    facts = check_adapter(tmp_path / "weights", base=base, max_rank=16)
    assert len(modules) == 14 and facts.modules == tuple(sorted({one.rsplit(".", 1)[-1] for one in modules}))
    # Both ways to name them are the engine's, as is that of the zero adapter, which goes by the base's files.
    write_zero_adapter(base, tmp_path / "zero")
    engine = read_profile(base).engine
    called = {engine.name_module(name) for name in modules | list_modules(tmp_path / "zero")}
    assert {name.rsplit(".layers.", 1)[0] for name in called} == {"language_model.model"}


def test_an_adapter_for_the_vision_tower_is_refused(find_base, tmp_path):
    base = find_base("gemma3-vision")
    wrapped = get_peft_model(load_base(base, "float32"), LoraConfig(r=4, target_modules=["fc1"]))
    save_adapter(wrapped, tmp_path / "weights")
    with pytest.raises(AdapterRefused, match=r"engine_layer.*vision_tower") as refused:
        check_adapter(tmp_path / "weights", base=base, max_rank=16)
    assert refused.value.reason_code == "engine_layer"


@pytest.mark.parametrize("name", MIXTURES)
def test_of_a_mixture_of_experts_attention_alone_is_changed(find_base, tmp_path, name):
    base = find_base(name)
    assert set(read_profile(base).adapter_layers) == MIXTURES[name]
    save_untrained(base, RECIPE, tmp_path / "weights")
    modules = list_modules(tmp_path / "weights")
    assert {module.rsplit(".", 1)[-1] for module in modules} == MIXTURES[name]
    assert all(".self_attn." in module for module in modules)
    config = json.loads((tmp_path / "weights" / "adapter_config.json").read_text())
    assert not config.get("target_parameters")
    check_adapter(tmp_path / "weights", base=base, max_rank=16)


@pytest.mark.filterwarnings("ignore:The following rank_pattern", "ignore:The following alpha_pattern")
def test_peft_takes_no_shared_expert_without_all_the_others(find_base):
    """The reason why shared experts are left out. Once this fails, they may be taken."""
    wanted = ["shared_experts.gate_proj", "shared_experts.up_proj", "shared_experts.down_proj"]
    config: Any = LoraConfig(r=4, target_modules=wanted)
    model = get_peft_model(load_base(find_base("glm4-moe"), "float32"), config)
    assert model.peft_config["default"].target_parameters == {"gate_up_proj", "down_proj"}
