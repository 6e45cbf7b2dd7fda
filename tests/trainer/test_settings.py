"""What the settings of the trainer choose by the base."""

import pytest

from serving.settings import DEMO_BASE
from trainer.recipes.recipe import load_recipe
from trainer.settings import TrainerSettings


@pytest.mark.parametrize(
    ("base", "recipe"),
    [(DEMO_BASE, "demo"), ("smollm2-135m", "smollm2"), ("Qwen/Qwen3-0.6B", "lora_choice")],
)
def test_a_base_has_its_recipe_unless_one_is_named(base: str, recipe: str) -> None:
    assert TrainerSettings().recipe_for(base) == recipe == load_recipe(recipe).name
    assert TrainerSettings(recipe="imported").recipe_for(base) == "imported"
