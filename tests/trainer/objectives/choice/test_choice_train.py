"""The objective `choice` from dataset to adapter: it learns, repeats itself, resumes and stops early."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trainer.conftest import TINY
from tests.trainer.tiny import (
    QUESTIONS,
    WARM,
    find_rounding,
    make_choice,
    make_dataset,
    weigh_unequally,
    write_lines,
)
from tests.trainer.training.test_train import SCRIPT, digest, train_here, without_times
from trainer.errors import NothingToTrainOn, ReferenceMismatch
from trainer.progress import Report
from trainer.recipes.recipe import Recipe

CHOICE = TINY.model_copy(update={"objective": "choice", "batch_size": 4, "row_tokens": 200})


@pytest.fixture
def recipe() -> Recipe:
    """24 choices, 4 a step, 2 epochs: 12 steps with a checkpoint every 5."""
    return CHOICE


@pytest.fixture(scope="module")
def chosen(base, dataset, tmp_path_factory):
    reports: list[Report] = []
    result = train_here(dataset, base, CHOICE, tmp_path_factory.mktemp("run"), reports)
    return result, reports


@pytest.mark.rounding
def test_training_starts_at_zero_and_learns_the_picks(chosen, base, dataset):
    result, reports = chosen
    rounding = find_rounding(dataset, base)  # the reference was read in rows of another shape
    steps = [report for report in reports if report.held_out_loss is None]
    assert [report.step for report in steps] == list(range(1, 13))
    assert abs(steps[0].shift) <= rounding and abs(steps[0].margin) <= 2 * CHOICE.beta * rounding
    assert steps[-1].margin > 0.3 and steps[-1].accuracy == 1.0 and steps[-1].shift > 0
    counts = {key: result.metrics[key] for key in ("examples_found", "examples_trained", "examples_held_out")}
    assert counts == {"examples_found": 24, "examples_trained": 24, "examples_held_out": 24}
    assert result.metrics["unpacked"] is None
    assert result.metrics["reference"]["computed"] == 192  # 48 choices of 4 different replies


def test_learning_curves_of_train_and_held_out_are_reported(chosen):
    _, reports = chosen
    held_out = [(report.step, report.held_out_loss) for report in reports if report.held_out_loss is not None]
    assert [step for step, _ in held_out] == [5, 10, 12]
    losses = [loss for _, loss in held_out]
    assert losses == sorted(losses, reverse=True) and losses[-1] < 1.3  # ln 4 = 1.386 knows nothing


@pytest.mark.rounding
def test_steps_are_also_told_on_the_measure_of_held_out_checks(chosen):
    """At the start nothing is known of four replies: ln 4 nats. `loss` has the likelihood term on top."""
    _, reports = chosen
    steps = [report for report in reports if report.held_out_loss is None]
    assert steps[0].decision_loss == pytest.approx(1.386, abs=0.05)
    assert steps[0].loss > steps[0].decision_loss + 0.01
    assert steps[-1].decision_loss < 1.3
    assert {report.epoch_steps for report in steps} == {6}  # 24 choices, 4 a step


def test_same_data_recipe_and_seed_give_the_same_bytes(chosen, base, dataset, recipe, tmp_path):
    again = train_here(dataset, base, recipe, tmp_path)
    assert digest(again.adapter_dir) == digest(chosen[0].adapter_dir)


def test_killed_and_resumed_equals_uninterrupted(chosen, base, dataset, recipe, tmp_path):
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml())
    arguments = [sys.executable, "-c", SCRIPT, dataset, base, tmp_path / "recipe.yaml", tmp_path / "run"]
    child = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if line == "step 7\n":  # after the checkpoint of step 5
            child.send_signal(signal.SIGKILL)
            break
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()
    resumed = train_here(dataset, base, recipe, tmp_path / "run")
    assert resumed.metrics["resumed_from"] == "checkpoint-5"
    assert resumed.metrics["reference"]["stored"] == 192  # and nothing was computed again
    assert digest(resumed.adapter_dir) == digest(chosen[0].adapter_dir)
    assert without_times(resumed.metrics) == without_times(chosen[0].metrics)
    shutil.rmtree(resumed.adapter_dir)  # as after a kill between the last checkpoint and the adapter
    again = train_here(dataset, base, recipe, tmp_path / "run")
    assert digest(again.adapter_dir) == digest(chosen[0].adapter_dir)
    assert without_times(again.metrics) == without_times(chosen[0].metrics)


@pytest.mark.rounding
def test_reference_in_the_run_is_as_good_as_the_stored_one(chosen, base, dataset, recipe, tmp_path):
    from safetensors.torch import load_file

    own = recipe.model_copy(update={"reference": "run"})
    result = train_here(dataset, base, own, tmp_path)
    assert "reference" not in result.metrics
    assert result.metrics["loss"] == pytest.approx(chosen[0].metrics["loss"], rel=1e-5)
    assert result.metrics["held_out_loss"] == pytest.approx(chosen[0].metrics["held_out_loss"], rel=1e-5)
    ours, theirs = (
        load_file(path / "adapter_model.safetensors") for path in (result.adapter_dir, chosen[0].adapter_dir)
    )
    assert len(ours) == 28
    for name, tensor in ours.items():
        assert float((tensor - theirs[name]).norm()) < 1e-3 * float(theirs[name].norm()), name


def test_row_budget_and_accumulation_change_nothing_but_rounding(base, dataset, recipe, tmp_path):
    """One batch of four in one row, or two of two with a row for each example: the same step."""
    dataset = weigh_unequally(dataset, tmp_path / "weighed")
    short = {"epochs": 1, "reference": "run"}
    wide = recipe.model_copy(update=short | {"row_tokens": 4096})
    narrow = recipe.model_copy(update=short | {"row_tokens": 1, "batch_size": 2, "accumulation": 2})
    found = []
    for number, changed in enumerate((wide, narrow)):
        reports: list[Report] = []
        train_here(dataset, base, changed, tmp_path / str(number), reports)
        found.append([report.loss for report in reports if report.held_out_loss is None])
    assert len(found[0]) == 6
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_early_stop_keeps_the_best_held_out_loss(base, dataset, recipe, tmp_path):
    reports: list[Report] = []
    patient = recipe.model_copy(
        update={"patience": 1, "checkpoint_steps": 2, "learning_rate": 0.3, "epochs": 6}
    )
    result = train_here(dataset, base, patient, tmp_path, reports)
    checked = [report.held_out_loss for report in reports if report.held_out_loss is not None]
    assert result.metrics["held_out_loss"] == min(checked)
    assert result.metrics["steps"] < 36


def test_without_patience_the_loss_is_that_of_the_last_adapter(base, recipe, tmp_path):
    """Who is held out picks what the others do not: the more is learnt, the worse it gets."""
    folder = make_dataset(tmp_path / "data", train=24, validation=0, test=0)
    contrary = [make_choice(number, "validation") for number in range(30, 38)]
    contrary = [choice | {"picked": [(choice["picked"][0] + 1) % 4]} for choice in contrary]
    learnt = [json.loads(line) for line in (folder / "choices.jsonl").read_text().splitlines()]
    write_lines(folder / "choices.jsonl", [*learnt, *contrary])
    reports: list[Report] = []
    result = train_here(folder, base, recipe, tmp_path / "run", reports)
    checked = [report.held_out_loss for report in reports if report.held_out_loss is not None]
    assert checked[0] < checked[-1] == result.metrics["held_out_loss"]


def test_kill_changes_neither_when_a_run_stops_nor_what_it_keeps(base, dataset, recipe, tmp_path):
    """Killed once after a first check without progress, and once when it had stopped but saved nothing."""
    from safetensors.torch import load_file

    patient = recipe.model_copy(
        update={"patience": 2, "checkpoint_steps": 2, "learning_rate": 0.3, "epochs": 6, "seed": 18}
    )
    reports: list[Report] = []
    whole = train_here(dataset, base, patient, tmp_path / "whole", reports)
    checks = [(report.step, report.held_out_loss) for report in reports if report.held_out_loss is not None]
    best, last = min(checks, key=lambda check: check[1])[0], checks[-1][0]
    assert last == best + 2 * 2 == whole.metrics["steps"] < 36
    kept = tmp_path / "whole" / "checkpoints" / f"checkpoint-{best}"
    ours, wanted = (load_file(path / "adapter_model.safetensors") for path in (whole.adapter_dir, kept))
    assert all(tensor.equal(wanted[name]) for name, tensor in ours.items())

    class Killed(Exception):
        pass

    def kill(report: Report) -> None:
        if report.step == best + 3:
            raise Killed

    from trainer.training.train import train

    with pytest.raises(Killed):
        train(dataset, base, patient, tmp_path / "killed", kill)
    resumed = train_here(dataset, base, patient, tmp_path / "killed")
    assert resumed.metrics["resumed_from"] == f"checkpoint-{best + 2}"
    assert resumed.metrics["steps"] == last
    assert digest(resumed.adapter_dir) == digest(whole.adapter_dir)

    saved = digest(whole.adapter_dir)
    shutil.rmtree(whole.adapter_dir)
    again = train_here(dataset, base, patient, tmp_path / "whole")
    assert again.metrics["resumed_from"] == f"checkpoint-{last}"
    assert digest(again.adapter_dir) == saved


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_bfloat16_products_learn_the_same(chosen, base, dataset, recipe, dtype, tmp_path):
    halves = recipe.model_copy(update={"bf16": True, "dtype": dtype})
    result = train_here(dataset, base, halves, tmp_path)
    assert result.metrics["held_out_loss"] == pytest.approx(chosen[0].metrics["held_out_loss"], abs=0.02)
    assert result.metrics["held_out_loss"] != chosen[0].metrics["held_out_loss"]


def test_gradient_checkpointing_trains_the_same(chosen, base, dataset, recipe, tmp_path):
    result = train_here(dataset, base, recipe.model_copy(update={"gradient_checkpointing": True}), tmp_path)
    assert result.metrics["loss"] == pytest.approx(chosen[0].metrics["loss"], rel=1e-5)


def test_thumbs_join_with_a_mean_that_outlives_a_checkpoint(base, recipe, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    thumbs = [
        {
            "id": f"t{number}",
            "prompt": [{"role": "user", "content": QUESTIONS[number]}],
            "completion": [{"role": "assistant", "content": WARM[0] if number % 2 else "No ."}],
            "label": bool(number % 2),
            "conversation": f"t{number}",
            "split": "train",
            "weight": 0.3,
        }
        for number in range(8)
    ]
    for name in ("choices", "pairs"):
        write_lines(folder / f"{name}.jsonl", [])
    write_lines(folder / "thumbs.jsonl", thumbs)
    few = recipe.model_copy(
        update={"min_thumbs": 4, "epochs": 6, "checkpoint_steps": 4, "learning_rate": 0.02}
    )
    whole = train_here(folder, base, few, tmp_path / "whole")
    assert whole.metrics["steps"] == 12 and whole.metrics["loss"] < 0.69  # ln 2: no opinion
    half = tmp_path / "half"
    (half / "checkpoints").mkdir(parents=True)
    checkpoint = tmp_path / "whole" / "checkpoints" / "checkpoint-8"
    checkpoint.rename(half / "checkpoints" / "checkpoint-8")
    resumed = train_here(folder, base, few, half)
    assert resumed.metrics["resumed_from"] == "checkpoint-8"
    assert digest(resumed.adapter_dir) == digest(whole.adapter_dir)


def test_reference_that_is_not_the_base_stops_the_run(base, dataset, recipe, tmp_path, monkeypatch):
    """Stored numbers that are off by a hundredth of a nat are not this base's."""
    from trainer.objectives.choice import prepare

    honest = prepare.read_base
    monkeypatch.setattr(
        prepare, "read_base", lambda *given: [[value + 0.01 for value in row] for row in honest(*given)]
    )
    with pytest.raises(ReferenceMismatch, match="before the first update"):
        train_here(dataset, base, recipe, tmp_path)


def test_rounding_in_bfloat16_is_no_other_reference(base, dataset, recipe, tmp_path, monkeypatch):
    """A hundredth of a nat between replies, as rows of other shapes give on a GPU: far from another base."""
    from trainer.objectives.choice import prepare

    honest = prepare.read_base
    monkeypatch.setattr(
        prepare,
        "read_base",
        lambda *given: [[value + 0.01 * place for place, value in enumerate(row)] for row in honest(*given)],
    )
    reports: list[Report] = []
    rounded = recipe.model_copy(update={"bf16": True, "beta": 1.0, "epochs": 0.1})
    train_here(dataset, base, rounded, tmp_path, reports)
    assert 1e-3 < abs(reports[0].margin) < 0.05


def test_empty_dataset_says_so(base, recipe, tmp_path):
    for name in ("choices", "pairs", "thumbs"):
        write_lines(tmp_path / f"{name}.jsonl", [])
    with pytest.raises(NothingToTrainOn, match="no rows at all"):
        train_here(tmp_path, base, recipe, tmp_path / "run")


def test_no_path_of_a_machine_is_kept(chosen):
    adapter: Path = chosen[0].adapter_dir
    assert sorted(path.name for path in adapter.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    assert "/" not in (adapter / "adapter_config.json").read_text()


def test_dropout_of_the_base_is_off(base, dataset, tmp_path):
    """Else the first step would find another reply under the adapter, which adds 0, than under the base. TRL
    switches modules off, but not the rate of an attention.
    """
    droopy = tmp_path / "base"
    shutil.copytree(base, droopy)
    config = json.loads((droopy / "config.json").read_text())
    (droopy / "config.json").write_text(json.dumps(config | {"attention_dropout": 0.5}))
    short = TINY.model_copy(update={"epochs": 0.2})
    result = train_here(dataset, droopy, short, tmp_path / "run")
    assert result.metrics["steps"] == 2


def test_without_a_noise_model_a_pick_says_what_it_says_of_the_texts(base, dataset, recipe, tmp_path):
    from transformers import AutoTokenizer

    from trainer.objectives.choice.prepare import read_choices

    tokenizer = AutoTokenizer.from_pretrained(base)
    plain = read_choices(dataset, base, tokenizer, recipe.model_copy(update={"habits": False}))
    read = read_choices(dataset, base, tokenizer, recipe)
    stages = [stage for example in plain.found.examples for stage in example.stages]
    assert {(stage.noise_rate, *stage.offsets) for stage in stages} == {(0.0, 0.0, 0.0, 0.0, 0.0)}
    assert all(example.stages[0].noise_rate == 0.1 for example in read.found.examples)
    assert [example.replies for example in plain.found.examples] == [
        example.replies for example in read.found.examples
    ]
