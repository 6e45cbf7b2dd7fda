"""A recipe with stages: equal to two runs of which the second begins from the first's adapter, also after a
kill in the second one; which records a stage learns from; and how far a run is.
"""

import json
import signal
import subprocess
import sys
from contextlib import closing
from functools import partial
from math import ceil

import pytest

from feedback.datasets.build import read_split
from feedback.datasets.difficulty import name_key
from feedback.datasets.errors import DifficultyUnknown
from serving.base import compute_base_id
from tests.trainer.conftest import TINY
from tests.trainer.tiny import derive_pairs, make_choice, write_lines
from tests.trainer.training.test_train import SCRIPT, digest, train_here, without_times
from trainer.data.stage_parts import write_stage_parts
from trainer.objectives.choice.reference_store import FILE, ReferenceStore
from trainer.progress import Report
from trainer.recipes.mix import Mix
from trainer.recipes.recipe import Recipe, RecipeStage
from trainer.training.stages import tell_stage

COARSE = RecipeStage(epochs=1)
FINE = RecipeStage(learning_rate=3e-3, epochs=1.5)
STAGED = TINY.model_copy(
    update={"objective": "choice", "batch_size": 4, "row_tokens": 200, "stages": (COARSE, FINE)}
)


@pytest.fixture(scope="module")
def staged(base, dataset, tmp_path_factory):
    reports: list[Report] = []
    run = tmp_path_factory.mktemp("staged")
    return train_here(dataset, base, STAGED, run, reports), reports, run


def continue_by_hand(dataset, base, recipe, begin, folder):
    """What a second run does, without any code for stages: the adapter of the first one, put into the model
    weight by weight, then Trainer's own loop.
    """
    from safetensors.torch import load_file
    from transformers import AutoTokenizer, set_seed

    from trainer.base_model import load_base
    from trainer.objectives.arguments import build_lora, build_settings
    from trainer.objectives.choice.prepare import prepare_choices, read_choices
    from trainer.training.saving import save_adapter

    set_seed(recipe.seed)
    data = read_choices(dataset, base, AutoTokenizer.from_pretrained(base), recipe)
    settings = build_settings(recipe, folder) | {"save_strategy": "no", "eval_strategy": "no"}
    prepare = partial(prepare_choices, reference_dir=folder)
    trainer, _ = prepare(
        data, load_base(base, "float32"), recipe, build_lora(base, recipe),
        {key: value for key, value in settings.items() if key != "eval_strategy"},
    )  # fmt: skip
    trainer.begins_at_base = False
    weights = load_file(begin / "adapter_model.safetensors")
    copied = 0
    for name, weight in trainer.model.named_parameters():
        if (saved := weights.get(name.replace(".default.", "."))) is not None:
            weight.data.copy_(saved)
            copied += 1
    assert copied == len(weights) == 28
    trainer.train()
    save_adapter(trainer.accelerator.unwrap_model(trainer.model), folder / "adapter")
    return folder / "adapter"


def test_two_stages_are_two_runs_of_which_the_second_begins_where_the_first_ended(
    staged, base, dataset, tmp_path
):
    result, _, run = staged
    first, second = STAGED.list_stages()
    alone = train_here(dataset, base, first, tmp_path / "first")
    assert digest(run / "stages" / "1" / "adapter") == digest(alone.adapter_dir)
    by_hand = continue_by_hand(dataset, base, second, alone.adapter_dir, tmp_path / "second")
    assert digest(result.adapter_dir) == digest(by_hand) != digest(alone.adapter_dir)


def test_a_run_with_stages_has_one_digest_one_adapter_and_the_metrics_of_each(staged):
    result, reports, run = staged
    steps = [report for report in reports if report.held_out_loss is None]
    assert [(report.stage, report.step) for report in steps] == [
        (1 if step <= 6 else 2, step) for step in range(1, 16)
    ]  # 24 choices, 4 a step: 6 steps an epoch, one epoch and one and a half
    assert {report.total for report in reports} == {15}
    metrics = result.metrics
    assert metrics == json.loads((run / "metrics.json").read_text())
    assert metrics["steps"] == 15 and [each["steps"] for each in metrics["stages"]] == [6, 9]
    assert metrics["recipe_digest"] == STAGED.digest
    assert [each["recipe_digest"] for each in metrics["stages"]] == [
        stage.digest for stage in STAGED.list_stages()
    ]
    assert (
        steps[6].margin == pytest.approx(steps[5].margin, abs=0.1) and steps[6].margin > 0.05
    )  # not 0 again
    assert not list(run.glob("stages/*/checkpoints"))


def test_killed_in_the_second_stage_it_goes_on_there_to_the_same_bytes(staged, base, dataset, tmp_path):
    (tmp_path / "recipe.yaml").write_text(STAGED.to_yaml())
    arguments = [sys.executable, "-c", SCRIPT, dataset, base, tmp_path / "recipe.yaml", tmp_path / "run"]
    child = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if line == "step 13\n":  # the seventh of the second stage, after its checkpoint of step 5
            child.send_signal(signal.SIGKILL)
            break
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()
    reports: list[Report] = []
    resumed = train_here(dataset, base, STAGED, tmp_path / "run", reports)
    assert min(report.step for report in reports) == 12
    assert [each["resumed_from"] for each in resumed.metrics["stages"]] == [None, "checkpoint-5"]
    assert digest(resumed.adapter_dir) == digest(staged[0].adapter_dir)
    found, wanted = resumed.metrics["stages"], staged[0].metrics["stages"]
    assert list(map(without_times, found)) == list(map(without_times, wanted))


def test_a_recipe_without_stages_says_nothing_of_them(recipe):
    assert "stages" not in recipe.model_dump(mode="json") and "stages" not in recipe.to_yaml()
    assert recipe.list_stages() == []
    assert "stages" in STAGED.to_yaml() and STAGED.digest != STAGED.model_copy(update={"stages": ()}).digest


def test_steps_and_time_are_those_of_the_whole_run():
    heard: list[Report] = []
    tell = tell_stage(heard.append, 2, before=10, later=30)
    tell(Report(4, 10, 0.5, 0.1, 1.0, seconds_left=12.0))  # 2 s a step: 6 here and 30 later
    tell(Report(10, 10, 0.5, 0.1, 1.0, seconds_left=0.0))
    assert [(one.stage, one.step, one.total, one.seconds_left) for one in heard] == [
        (2, 14, 50, 72.0),
        (2, 20, 50, 0.0),
    ]


@pytest.fixture
def graded(tmp_path):
    """Eight choices of two sources and of the desk, of known difficulty, with the pairs of the first two."""
    folder = tmp_path / "graded"
    folder.mkdir()
    sources = ["shop", "shop", "crowd", "crowd", "live", "live", "odd", "odd"]
    choices = [
        make_choice(n, "train") | {"source": source, "language": "en"} for n, source in enumerate(sources)
    ]
    held_out = make_choice(8, "validation") | {"source": "crowd"}
    pairs = [
        pair
        | {"id": f"{choice['id']}/{number}>0", "source": choice["source"], "kind": "pick", "language": "en"}
        for choice in choices[1:3]
        for number, pair in enumerate(derive_pairs(choice))
    ]
    write_lines(folder / "choices.jsonl", [*choices, held_out])
    write_lines(folder / "pairs.jsonl", pairs)
    write_lines(folder / "thumbs.jsonl", [])
    (folder / "manifest.json").write_text(json.dumps({"grades": {"shop": "B", "crowd": "C"}}))
    return folder


def read_ids(part, form="choices", split="train"):
    return [record["id"] for record in read_split(part, form, split)]


def test_a_stage_learns_from_the_grades_and_the_difficulty_that_it_names(graded, tmp_path):
    with closing(ReferenceStore(tmp_path / FILE)) as store:
        names = [
            (source, n) for n, source in enumerate(["shop", "shop", "crowd", "crowd", "live", "live", "odd"])
        ]
        store.note_difficulty("b", {name_key(f"choices/{source}/c{n}-1"): n for source, n in names})
    stages = (
        RecipeStage(),
        RecipeStage(grades=("C",)),
        RecipeStage(grades=("A", "B")),
        RecipeStage(difficulty=(1,)),
        RecipeStage(grades=("C", "A"), difficulty=(3, 4)),
    )
    recipe = Recipe(name="here", stages=stages)
    write = partial(write_stage_parts, graded, recipe, tmp_path / "stages", data_dir=tmp_path, base_id="b")
    parts = write()
    assert [read_ids(part) for part in parts] == [
        [f"c{n}-1" for n in range(8)],
        ["c2-1", "c3-1"],
        ["c0-1", "c1-1", "c4-1", "c5-1"],  # what people do here counts as A
        ["c0-1", "c1-1"],  # of seven at 0 to 6, bounds at 1.5, 3 and 4.5
        ["c4-1", "c5-1"],
    ]
    assert [len(read_ids(part, "pairs")) for part in parts] == [6, 3, 3, 3, 0]
    assert {tuple(read_ids(part, split="validation")) for part in parts} == {("c8-1",)}
    told = [json.loads((part / "part.json").read_text())["reasons"] for part in parts]
    assert told == [
        {},
        {"other_grade": 4, "no_grade": 2},
        {"other_grade": 2, "no_grade": 2},
        {"other_difficulty": 5, "no_difficulty": 1},
        {"other_grade": 2, "other_difficulty": 2, "no_grade": 2},
    ]
    (graded / "manifest.json").write_text(json.dumps({"grades": {}}))
    assert write() == parts and read_ids(parts[1]) == ["c2-1", "c3-1"]  # settled once


def test_a_stage_by_difficulty_is_refused_before_any_run_has_noted_it(graded, tmp_path, base):
    recipe = Recipe(name="here", stages=(RecipeStage(difficulty=(1,)),))
    given = {"data_dir": tmp_path, "base_id": compute_base_id(base)}
    with pytest.raises(DifficultyUnknown):
        write_stage_parts(graded, recipe, tmp_path / "stages", **given)
    with closing(ReferenceStore(tmp_path / FILE)) as store:
        store.note_difficulty("another base", {name_key("choices/shop/c0-1"): 1.0})
    with pytest.raises(DifficultyUnknown):
        write_stage_parts(graded, recipe, tmp_path / "stages", **given)


def test_a_stage_with_another_objective_goes_on_from_the_same_adapter(base, dataset, tmp_path):
    """Pairs after choices: the reference stays the plain base, so the first margin is what was learnt."""
    stages = (RecipeStage(epochs=2), RecipeStage(objective="dpo", epochs=0.2))
    reports: list[Report] = []
    result = train_here(dataset, base, STAGED.model_copy(update={"stages": stages}), tmp_path, reports)
    last, first = [
        next(report for report in order if report.stage == stage and report.held_out_loss is None)
        for stage, order in ((1, reports[::-1]), (2, reports))
    ]
    assert last.margin > 0.2 and first.margin > 0.2
    assert [each["objective"] for each in result.metrics["stages"]] == ["choice", "dpo"]
    assert result.metrics["steps"] == 12 + ceil(0.2 * 18)


def test_a_general_set_of_an_earlier_stage_is_told_of_the_run(base, dataset, tmp_path):
    """Of the 24 choices that the first stage learns from, every sixth; the second, of pairs, takes none."""
    told = {
        "messages": [{"role": "user", "content": "Hello ?"}, {"role": "assistant", "content": "Thank you ."}]
    }
    general = tmp_path / "general.jsonl"
    write_lines(general, [told] * 5)
    stages = (RecipeStage(epochs=0.5), RecipeStage(objective="dpo", epochs=0.2))
    recipe = STAGED.model_copy(update={"stages": stages, "mix": Mix(general=str(general), ratio=6)})
    metrics = train_here(dataset, base, recipe, tmp_path / "run").metrics
    assert [("mix" in each) for each in metrics["stages"]] == [True, False]
    assert (metrics["mix"]["name"], metrics["mix"]["mixed_in"]) == ("general.jsonl", 4)


def test_a_stage_without_anything_to_learn_from_is_told_before_the_first_one(graded, base, tmp_path):
    from trainer.errors import NothingToTrainOn

    stages = (RecipeStage(), RecipeStage(grades=("D",)))
    with pytest.raises(NothingToTrainOn):
        train_here(graded, base, STAGED.model_copy(update={"stages": stages}), tmp_path / "run")
    assert not (tmp_path / "run" / "stages" / "1" / "adapter").exists()
