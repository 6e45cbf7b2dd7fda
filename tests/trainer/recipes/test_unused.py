"""An option that an objective does not use is refused, and left out where another objective is asked for."""

import pytest

from tests.trainer.conftest import TINY
from trainer.errors import RecipeRefused
from trainer.jobs.pipeline import find_recipe
from trainer.recipes.recipe import Recipe, build_recipe, load_recipe, recall_recipe
from trainer.recipes.unused import USED_BY
from trainer.settings import TrainerSettings


@pytest.mark.parametrize(
    ("objective", "option", "value"),
    [
        ("dpo", "reference", "run"),
        ("sft", "habits", False),
        ("sft", "beta", 0.2),
        ("sft", "nll_weight", 0.2),
        ("kto", "nll_weight", 0.0),
        ("dpo", "anchor_weight", 0.3),
        ("sft", "min_thumbs", 3),
        ("dpo", "min_thumbs", 3),
        ("choice", "min_texts", 3),
        ("kto", "min_texts", 3),
    ],
)
def test_an_option_that_the_objective_does_not_use_is_refused(objective, option, value):
    with pytest.raises(RecipeRefused) as refused:
        build_recipe({"name": "mine", "objective": objective, option: value})
    default = Recipe.model_fields[option].default
    [fault] = refused.value.faults
    assert fault.startswith(f"{option} = {value}: objective {objective} does not use it; ")
    assert f"at its default, {default}," in fault and f"({', '.join(USED_BY[option])})" in fault


def test_every_objective_takes_what_it_uses():
    values = {"beta": 0.3, "nll_weight": 0.3, "anchor_weight": 0.3, "min_thumbs": 3, "min_texts": 3}
    for objective in ("choice", "dpo", "sft", "kto"):
        used = {name: value for name, value in values.items() if objective in USED_BY[name]}
        assert build_recipe({"name": "mine", "objective": objective} | used).objective == objective


def test_kto_needs_two_thumbs_in_a_batch():
    with pytest.raises(RecipeRefused, match=r"batch_size = 1: objective kto .* set 2 or more"):
        build_recipe({"name": "mine", "objective": "kto", "batch_size": 1})
    assert build_recipe({"name": "mine", "objective": "sft", "batch_size": 1}).batch_size == 1


def test_another_objective_leaves_out_what_it_does_not_use():
    demo = load_recipe("demo", objective="kto")
    assert (demo.objective, demo.beta, demo.learning_rate) == ("kto", 1.0, 5e-4)
    assert (demo.nll_weight, demo.anchor_weight) == (0.1, 0.0)  # the defaults: demo has 2.0 and 0.3
    assert load_recipe("demo", objective="choice") == load_recipe("demo")


def test_a_request_may_change_the_objective_of_its_recipe():
    class Serving:
        max_lora_rank = 16

    asked = {"recipe": TINY.model_dump(mode="json") | {"nll_weight": 0.5}, "objective": "sft"}
    recipe = find_recipe(asked, TrainerSettings(), Serving())
    assert (recipe.objective, recipe.nll_weight, recipe.rank) == ("sft", 0.1, 4)


def test_a_recipe_that_was_saved_with_a_run_is_recalled_as_it_was():
    saved = TINY.model_dump(mode="json") | {"objective": "dpo", "anchor_weight": 0.3}
    assert recall_recipe(saved, "r1").anchor_weight == 0.3


def test_shipped_recipes_of_trl_objectives():
    sft, kto = load_recipe("lora_sft"), load_recipe("lora_kto")
    assert (sft.objective, sft.min_texts, sft.batch_size * sft.accumulation) == ("sft", 30, 16)
    assert (kto.objective, kto.min_thumbs, kto.batch_size * kto.accumulation) == ("kto", 50, 16)
