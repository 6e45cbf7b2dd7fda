"""What a recipe may say of its stages, and how a fault in one of them is told."""

import pytest

from trainer.errors import RecipeRefused
from trainer.recipes.recipe import build_recipe, load_recipe


def test_a_stage_has_what_it_says_and_else_what_the_recipe_says(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "extends: demo\nstages:\n- {objective: sft, epochs: 2, grades: [B, C]}\n"
        "- {learning_rate: 1.0e-4, min_steps: 0}\n"
    )
    recipe = load_recipe(tmp_path / "mine.yaml")
    first, second = recipe.list_stages()
    assert (first.objective, first.epochs, first.learning_rate, first.min_steps) == ("sft", 2, 5e-4, 1000)
    assert (second.objective, second.epochs, second.learning_rate, second.min_steps) == ("choice", 4, 1e-4, 0)
    assert first.stages == second.stages == () and (first.rank, second.rank) == (2, 2)
    assert [stage.grades for stage in recipe.stages] == [("B", "C"), ()]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"stages": [{"objective": "ppo"}]}, r'stages\.0\.objective = "ppo": must be one of choice, dpo'),
        ({"stages": [{}, {"epoch": 1}]}, r"stages\.1\.epoch = 1: .*Did you mean epochs\?"),
        ({"stages": [{"grades": ["E"]}]}, r"stages\.0\.grades\.0"),
        ({"stages": [{"difficulty": [5]}]}, r"stages\.0\.difficulty\.0"),
        ({"stages": [{"rank": 8}]}, r"stages\.0\.rank = 8: there is no such key"),
        ({"tag_weights": {"a": {"weights": 1}}}, r"tag_weights\.a\.weights = 1: .*Did you mean weight\?"),
        ({"mix": {"general": "x", "ratios": 9}}, r"mix\.ratios = 9: .*Did you mean ratio\?"),
    ],
)
def test_a_fault_names_its_place_and_the_key_that_was_meant(values, told):
    with pytest.raises(RecipeRefused, match=told):
        build_recipe({"name": "here"} | values)


def test_an_option_is_refused_only_if_no_stage_uses_it():
    stages = [{"objective": "sft"}, {}]
    assert build_recipe({"name": "here", "anchor_weight": 0.3, "stages": stages}).anchor_weight == 0.3
    with pytest.raises(RecipeRefused, match=r"anchor_weight = 0\.3: objective sft and dpo does not use it"):
        build_recipe({"name": "here", "objective": "dpo", "anchor_weight": 0.3, "stages": stages})
