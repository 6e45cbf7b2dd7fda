"""Adapters of many families: exactly the layers that the engine takes, in files that the adapter check lets
through; and bases that no adapter can be trained for are refused before anything is loaded.
"""

import pytest

from serving.adapters.check import check_adapter
from serving.errors import AdapterRefused, BaseUnfit
from serving.facts.profile import read_profile
from tests.families.models import build_base
from trainer.errors import RecipeRefused
from trainer.recipes.adapter_layers import require_trained
from trainer.recipes.recipe import Recipe

RECIPE = Recipe(name="small", rank=2, alpha=4)


def save_untrained(base, target, recipe=RECIPE):
    from peft import get_peft_model

    from trainer.base_model import load_base
    from trainer.objectives.arguments import build_lora
    from trainer.training.saving import save_adapter

    save_adapter(get_peft_model(load_base(base, recipe.dtype), build_lora(base, recipe)), target)
    return target


@pytest.mark.parametrize(
    "name", ["qwen3", "phi", "phi3", "glm4", "qwen3-moe", "glm4-moe", "deepseek-v3", "gpt-oss"]
)
def test_adapter_changes_exactly_the_layers_of_the_facts(tmp_path, name):
    base = build_base(tmp_path / "base", name)
    found = check_adapter(save_untrained(base, tmp_path / "adapter"), base=base, max_rank=16)
    assert found.modules == read_profile(base).adapter_layers


def test_layer_that_the_engine_refuses_is_found_by_the_check_whatever_pattern_chose_it(tmp_path):
    recipe = RECIPE.model_copy(update={"target_modules": r".*\.gate_up_proj"})
    base = build_base(tmp_path / "base", "glm4")
    with pytest.raises(AdapterRefused, match=r"engine_layer.*gate_up_proj"):
        check_adapter(save_untrained(base, tmp_path / "adapter", recipe), base=base, max_rank=16)


def test_adapter_of_a_base_without_chat_template_is_refused_at_once(tmp_path):
    with pytest.raises(BaseUnfit, match=r"cannot be trained here:\n.*no chat template.*chat_template\.jinja"):
        require_trained(build_base(tmp_path, "no-template"), RECIPE)


def test_adapter_of_gpt2_is_refused_at_once(tmp_path):
    with pytest.raises(BaseUnfit, match="rows and columns exchanged"):
        require_trained(build_base(tmp_path, "gpt2"), RECIPE)


def test_recipe_that_names_a_layer_the_engine_does_not_take_is_refused_at_once(tmp_path):
    recipe = RECIPE.model_copy(update={"target_modules": ("q_proj", "gate_up_proj")})
    with pytest.raises(
        RecipeRefused, match="gate_up_proj cannot be adapted in this base; it has down_proj, k_proj"
    ):
        require_trained(build_base(tmp_path / "glm4", "glm4"), recipe)
    phi3 = build_base(tmp_path / "phi3", "phi3")
    require_trained(phi3, recipe.model_copy(update={"target_modules": ("qkv_proj", "gate_up_proj")}))


def test_saving_an_adapter_does_not_cast_the_base(tmp_path):
    import torch
    from peft import get_peft_model

    from trainer.base_model import load_base
    from trainer.objectives.arguments import build_lora
    from trainer.training.saving import save_adapter

    recipe = RECIPE.model_copy(update={"dtype": "bfloat16"})
    base = build_base(tmp_path / "base", "qwen3")
    model = get_peft_model(load_base(base, recipe.dtype), build_lora(base, recipe))
    save_adapter(model, tmp_path / "adapter")
    frozen = {weight.dtype for weight in model.parameters() if not weight.requires_grad}
    assert frozen == {torch.bfloat16}
    assert check_adapter(tmp_path / "adapter", base=base, max_rank=16).dtype == "F32"
