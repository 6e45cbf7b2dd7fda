import pytest

from trainer.errors import RecipeRefused
from trainer.recipes.recipe import RECIPES, Recipe, build_recipe, load_recipe


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_built_in_recipes_name_and_comment_every_key(path):
    recipe = load_recipe(path)
    text = path.read_text()
    keys = [*Recipe.model_fields, *type(recipe.measurement).model_fields]
    for key in keys:
        line = next(line for line in text.splitlines() if line.strip().startswith(f"{key}:"))
        assert key in ("name", "measurement") or "#" in line, line
    assert len(keys) == 47


@pytest.mark.parametrize(
    ("examples", "changes", "epochs"),
    [
        (24, {"batch_size": 4}, 2),  # 12 steps, and 10 are wanted
        (24, {"batch_size": 4, "min_steps": 30}, 5),
        (25, {"batch_size": 4, "min_steps": 28}, 4),  # 7 an epoch
        (25, {"batch_size": 4, "accumulation": 2, "min_steps": 10}, 2.5),  # 4 an epoch
        (9, {"batch_size": 4, "min_steps": 1000}, 6),  # three times `epochs` at most
        (10_000, {"batch_size": 4, "min_steps": 0}, 2),
    ],
)
def test_few_examples_are_gone_through_more_often(examples, changes, epochs):
    recipe = Recipe(name="here", epochs=2, **{"min_steps": 10} | changes)
    assert recipe.settle_epochs(examples) == recipe.model_copy(update={"epochs": epochs})


def test_bare_name_is_a_built_in_one_even_beside_a_folder_of_that_name(tmp_path, monkeypatch):
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_recipe("demo").name == "demo"


def test_all_faults_of_a_file_are_told_at_once(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("beta: -1\nepoch: 2\nrank: many\n")
    with pytest.raises(RecipeRefused) as refused:
        load_recipe(path)
    assert len(refused.value.faults) == 3
    assert all(key in str(refused.value) for key in ("beta", "epoch", "rank", "(got -1)", "mine.yaml"))


@pytest.mark.parametrize("text", ["- a list", "beta: [", ""])
def test_file_that_is_no_recipe_is_refused(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(RecipeRefused):
        load_recipe(tmp_path / "mine.yaml")


def test_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(RecipeRefused, match="nowhere"):
        load_recipe(tmp_path / "nowhere.yaml")


def test_saved_recipe_is_the_same_recipe(tmp_path):
    recipe = load_recipe("demo", max_pairs=7)
    (tmp_path / "saved.yaml").write_text(recipe.to_yaml())
    assert load_recipe(tmp_path / "saved.yaml").digest == recipe.digest
    assert build_recipe(recipe.model_dump(mode="json")).digest == recipe.digest
    assert recipe.digest != load_recipe("demo").digest
