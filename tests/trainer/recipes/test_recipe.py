import pytest

from trainer.errors import RecipeRefused
from trainer.recipes.recipe import RECIPE_FILES, Recipe, RecipeStage, build_recipe, load_recipe

SHIPPED = RECIPE_FILES.list_shipped()


def test_the_default_recipe_names_and_comments_every_key():
    recipe = load_recipe(None)
    text = (RECIPE_FILES.folder / f"{recipe.name}.yaml").read_text()
    keys = [*Recipe.model_fields, *type(recipe.measurement).model_fields]
    for key in keys:
        line = next(line for line in text.splitlines() if line.strip().startswith(f"{key}:"))
        assert key in ("name", "measurement") or "#" in line, line
    assert len(keys) == 54


def test_shipped_recipes_have_their_own_values_beside_those_they_extend():
    demo, dpo = load_recipe("demo"), load_recipe("lora_dpo")
    assert (demo.name, demo.beta, demo.rank, demo.max_length, demo.dtype) == ("demo", 1.0, 2, 512, "float32")
    assert (demo.measurement.max_new_tokens, demo.measurement.max_choices, demo.patience) == (96, 600, 0)
    assert (dpo.objective, dpo.batch_size, dpo.accumulation, dpo.rank) == ("dpo", 8, 2, 16)


def test_a_recipe_has_what_it_extends_but_for_its_own_keys_and_its_name(tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: demo\nmeasurement:\n  max_choices: 9\n")
    demo = load_recipe("demo")
    measured = demo.measurement.model_copy(update={"max_choices": 9})
    assert load_recipe(tmp_path / "mine.yaml") == demo.model_copy(
        update={"name": "mine", "measurement": measured}
    )


def test_a_recipe_that_extends_itself_or_nothing_is_refused(tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: mine.yaml")
    with pytest.raises(RecipeRefused, match="extend one another in a circle"):
        load_recipe(tmp_path / "mine.yaml")
    (tmp_path / "mine.yaml").write_text("extends: lora")
    with pytest.raises(RecipeRefused, match=r"extends = lora: .* demo, imported, lora_choice"):
        load_recipe(tmp_path / "mine.yaml")


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
    assert all(key in str(refused.value) for key in ("beta", "epoch", "rank", "beta = -1: ", "mine.yaml"))


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


@pytest.mark.parametrize(
    ("name", "digest"),
    [("demo", "f90799aedcb62808"), ("lora_choice", "991d84c186f2f319"), ("lora_dpo", "8a37b8f52bdfab79"),
     ("smollm2", "d231bdacbb10f724"), ("imported", "18cc8f5fb74f4851")],
)  # fmt: skip
def test_keys_that_came_later_leave_the_digest_of_a_recipe_as_it_was(name, digest):
    """Digests of the version before `method` was a key."""
    assert load_recipe(name).digest.startswith(digest)
    assert not load_recipe(name).model_copy(update={"virtual_tokens": 21}).digest.startswith(digest)


@pytest.mark.parametrize(("rank", "told"), [(0, "rank = 0"), (257, "rank = 257"), (512, "rank = 512")])
def test_a_rank_outside_of_1_to_256_is_refused_with_its_value(rank, told):
    with pytest.raises(RecipeRefused, match=told):
        load_recipe("demo", rank=rank)


@pytest.mark.parametrize("rank", [1, 2, 3, 4, 256])
def test_small_ranks_are_ranks_as_well(rank):
    assert load_recipe("lora_choice", rank=rank).rank == rank


@pytest.mark.parametrize(
    ("stages", "learns_from"),
    [([], "choices"), (["sft"], "texts"), (["sft", "choice"], "choices"), (["sft", "kto"], "thumbs")],
)
def test_the_last_stage_says_what_has_to_come_in(stages, learns_from):
    laid = tuple(RecipeStage(objective=name) for name in stages)
    assert load_recipe("demo").model_copy(update={"stages": laid}).learns_from == learns_from


def test_alpha_may_be_half_the_rank():
    assert load_recipe("demo", rank=128, alpha="half").scale_alpha == 64
    assert load_recipe("demo").scale_alpha == 4
    with pytest.raises(RecipeRefused, match="alpha"):
        load_recipe("demo", alpha="third")


def test_an_unknown_method_is_refused():
    with pytest.raises(RecipeRefused, match='method = "dora"'):
        load_recipe("demo", method="dora")


@pytest.mark.parametrize(
    ("method", "changes", "told"),
    [
        ("full", {"objective": "dpo"}, "objective = dpo: method full learns by `objective: choice` or `sft`"),
        ("freeze", {"reference": "run"}, "reference = run: method freeze changes what it would read"),
        ("full", {"dtype": "bfloat16"}, "dtype = bfloat16, bf16 = false: bfloat16 rounds the small steps"),
        ("progressive", {"bf16": True}, "dtype = float32, bf16 = true: bfloat16 rounds the small steps"),
        ("full", {"frozen_layers": 1}, "frozen_layers = 1: method full has none; leave it at half"),
        ("lora", {"earlier": "tuned-20260101-1"}, "earlier = tuned-20260101-1: method lora has none"),
        ("full", {"stages": [{"epochs": 1}, {"epochs": 2}]}, "stages: method full trains in one go"),
    ],
)
def test_what_a_checkpoints_method_cannot_do_is_refused(method, changes, told):
    with pytest.raises(RecipeRefused, match=told):
        load_recipe("demo", method=method, **changes)
    assert load_recipe("demo", method="freeze", frozen_layers=3).is_whole


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_virtual_tokens_are_refused_where_the_method_has_none(method):
    with pytest.raises(RecipeRefused, match=f"virtual_tokens = 21: method {method} has none; leave it at 20"):
        load_recipe(None, method=method, virtual_tokens=21)


@pytest.mark.parametrize(
    ("method", "changes", "told"),
    [
        (
            "prompt",
            {"objective": "dpo"},
            "objective = dpo: method prompt learns by `objective: choice` alone",
        ),
        ("p_tuning", {"patience": 2}, "patience = 2: method p_tuning"),
        ("prefix", {"gradient_checkpointing": True}, "gradient_checkpointing = true: method prefix"),
    ],
)
def test_what_virtual_tokens_cannot_do_is_refused(method, changes, told):
    with pytest.raises(RecipeRefused, match=told):
        load_recipe("demo", method=method, **changes)
    assert not load_recipe("demo", method=method).is_served
    assert load_recipe("demo", method="qlora").is_served
