import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trainer.tiny import derive_pairs, make_choice, make_dataset, write_lines
from trainer.errors import Diverged, NothingToTrainOn
from trainer.progress import Report
from trainer.recipes.recipe import Recipe

SCRIPT = """
import sys
from pathlib import Path
from trainer.recipes.recipe import load_recipe
from trainer.training.train import train

dataset, base, recipe, run = map(Path, sys.argv[1:])
train(dataset, base, load_recipe(recipe), run, lambda report: print("step", report.step, flush=True))
"""


def train_here(dataset: Path, base: Path, recipe: Recipe, run: Path, reports: list[Report] | None = None):
    from trainer.training.train import train

    return train(dataset, base, recipe, run, (reports if reports is not None else []).append)


TIMES = {"seconds", "resumed_from", "reference", "need"}  # of a run's metrics: what a kill may change


def without_times(metrics: dict) -> dict:
    return {name: value for name, value in metrics.items() if name not in TIMES}


def digest(adapter: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(adapter.iterdir())}


def test_training_starts_at_margin_zero_and_learns_the_pairs(trained):
    reports = trained.reports
    steps = [report for report in reports if report.held_out_loss is None]
    assert [report.step for report in steps] == list(range(1, 13))  # 24 choices x 3 pairs / 12 x 2 epochs
    assert steps[0].margin == 0.0
    assert steps[-1].margin > 0.1 and steps[-1].accuracy > 0.9
    assert trained.metrics["pairs_trained"] == 72 and trained.metrics["steps"] == 12


def test_adapter_has_exactly_what_serving_takes(trained):
    from safetensors.numpy import load_file

    assert sorted(path.name for path in trained.adapter_dir.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    config = json.loads((trained.adapter_dir / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "base"
    assert (
        config["target_modules"] == sorted(config["target_modules"])
        and "lm_head" not in config["target_modules"]
    )
    tensors = load_file(trained.adapter_dir / "adapter_model.safetensors")
    assert {str(tensor.dtype) for tensor in tensors.values()} == {"float32"}
    assert len(tensors) == 2 * 2 * 7  # A and B, two layers, seven linear maps


def test_run_keeps_its_recipe_and_its_progress(trained, recipe):
    from trainer.recipes.recipe import load_recipe

    reports, run = trained.reports, trained.run
    assert load_recipe(run / "recipe.yaml").digest == recipe.digest
    assert len((run / "progress.jsonl").read_text().splitlines()) == len(reports)


def test_same_data_recipe_and_seed_give_the_same_bytes(trained, base, dataset, recipe, tmp_path):
    again = train_here(dataset, base, recipe, tmp_path)
    assert digest(again.adapter_dir) == digest(trained.adapter_dir)


def test_another_seed_gives_other_bytes(trained, base, dataset, recipe, tmp_path):
    other = train_here(dataset, base, recipe.model_copy(update={"seed": 18, "epochs": 0.2}), tmp_path)
    assert digest(other.adapter_dir) != digest(trained.adapter_dir)


@pytest.mark.parametrize("objective", ["choice", "dpo"])
def test_metrics_say_which_share_of_the_steps_was_clipped(
    base, dataset, recipe, objective, tmp_path, monkeypatch
):
    """One step, under limits a little above the norm that was clipped and a little below."""
    from accelerate import Accelerator

    norms, clip = [], Accelerator.clip_grad_norm_

    def note(*arguments):
        norms.append(float(clip(*arguments)))
        return norms[-1]

    monkeypatch.setattr(Accelerator, "clip_grad_norm_", note)

    def clipped(limit):
        short = recipe.model_copy(update={"objective": objective, "epochs": 0.1, "max_grad_norm": limit})
        return train_here(dataset, base, short, tmp_path / str(limit)).metrics["clipped"]

    assert clipped(1e9) == 0.0
    [norm] = norms
    assert (clipped(1.01 * norm), clipped(0.99 * norm)) == (0.0, 1.0)


def test_killed_and_resumed_equals_uninterrupted(trained, base, dataset, recipe, tmp_path):
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
    assert digest(resumed.adapter_dir) == digest(trained.adapter_dir)
    assert without_times(resumed.metrics) == without_times(trained.metrics)


def test_checkpoint_without_done_is_never_resumed_from(trained, base, dataset, recipe, tmp_path):
    from trainer.training.checkpoints import drop_unfinished, find_checkpoint

    half = tmp_path / "checkpoints" / "checkpoint-9"
    half.mkdir(parents=True)
    (half / "adapter_model.safetensors").write_bytes(b"half")
    assert find_checkpoint(tmp_path / "checkpoints") is None
    drop_unfinished(tmp_path / "checkpoints")
    assert not half.exists()


def test_early_stop_keeps_the_best_held_out_loss(base, dataset, recipe, tmp_path):
    reports: list[Report] = []
    patient = recipe.model_copy(
        update={"patience": 1, "checkpoint_steps": 2, "learning_rate": 0.3, "epochs": 6}
    )
    result = train_here(dataset, base, patient, tmp_path, reports)
    checked = [report.held_out_loss for report in reports if report.held_out_loss is not None]
    assert result.metrics["held_out_loss"] == min(checked)
    assert result.metrics["steps"] < 36  # 6 epochs of 6 steps would be 36


def test_limit_trains_on_a_stated_part(base, dataset, recipe, tmp_path):
    result = train_here(dataset, base, recipe.model_copy(update={"max_pairs": 10, "epochs": 1}), tmp_path)
    assert (result.metrics["pairs_found"], result.metrics["pairs_trained"]) == (72, 10)
    assert result.metrics["refusals"] == {"over_limit": 62}


def test_too_long_rows_are_refused_and_counted(base, recipe, tmp_path):
    pairs = [pair for number in range(4) for pair in derive_pairs(make_choice(number, "train"))]
    pairs[0]["chosen"][0]["content"] = "very " * 200
    write_lines(tmp_path / "pairs.jsonl", pairs)
    result = train_here(tmp_path, base, recipe.model_copy(update={"epochs": 1}), tmp_path / "run")
    assert result.metrics["pairs_trained"] == 11 and result.metrics["refusals"] == {"too_long": 1}


@pytest.mark.parametrize("objective", ["choice", "dpo"])
def test_run_that_diverges_stops_at_that_step(base, dataset, recipe, objective, tmp_path):
    hot = recipe.model_copy(update={"objective": objective, "learning_rate": 1e30, "checkpoint_steps": 1})
    with pytest.raises(Diverged, match=r"at step 2 held out loss is nan.*now 1e\+30"):
        train_here(dataset, base, hot, tmp_path)  # the first step warms up at a rate of 0
    assert not (tmp_path / "adapter").exists()
    assert [path.parent.name for path in tmp_path.glob("checkpoints/*/DONE")] == ["checkpoint-1"]


@pytest.mark.parametrize("objective", ["choice", "dpo"])
def test_run_that_diverges_with_nothing_held_out_stops_at_the_next_step(base, recipe, objective, tmp_path):
    """The weights are not finite after the second step, which the third is the first to see."""
    dataset = make_dataset(tmp_path / "data", validation=0)
    hot = recipe.model_copy(update={"objective": objective, "learning_rate": 1e30})
    with pytest.raises(Diverged, match="at step 3 loss is nan"):
        train_here(dataset, base, hot, tmp_path / "run")
    assert not (tmp_path / "run" / "adapter").exists()


@pytest.mark.parametrize("name", ["loss", "grad_norm"])
def test_step_that_is_not_finite_is_never_reported(name):
    from types import SimpleNamespace

    from trainer.training.callbacks import TrainingWatch

    heard: list[Report] = []
    logs = {"rewards/margins": 0.4, "rewards/accuracies": 1.0, "loss": 0.6, "grad_norm": 0.1}
    state = SimpleNamespace(global_step=7, max_steps=9)
    with pytest.raises(Diverged, match=r"at step 7 (loss|gradient) is nan"):
        TrainingWatch(heard.append, checks_margin=False).on_log(
            SimpleNamespace(learning_rate=0.1), state, None, logs=logs | {name: float("nan")}
        )
    assert heard == []


def test_empty_dataset_says_so(base, recipe, tmp_path):
    write_lines(tmp_path / "pairs.jsonl", [])
    with pytest.raises(NothingToTrainOn, match="no rows at all"):
        train_here(tmp_path, base, recipe, tmp_path / "run")


def test_reference_that_is_not_the_base_stops_the_run():
    from types import SimpleNamespace

    from trainer.errors import ReferenceMismatch
    from trainer.training.callbacks import TrainingWatch

    logs = {"rewards/margins": 0.4, "rewards/accuracies": 1.0, "loss": 0.6}
    with pytest.raises(ReferenceMismatch, match=r"0\.4"):
        TrainingWatch(lambda report: None, checks_margin=True).on_log(
            SimpleNamespace(learning_rate=0.1), SimpleNamespace(global_step=1, max_steps=9), None, logs=logs
        )
