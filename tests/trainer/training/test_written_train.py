"""Runs with `sft` and `kto` on the tiny base: what they report, what they refuse, and that a kill changes
nothing.
"""

import signal
import subprocess
import sys

import pytest

from tests.trainer.conftest import TINY
from tests.trainer.objectives.written import write_dataset
from tests.trainer.training.test_train import SCRIPT, digest, train_here, without_times
from trainer.errors import TooFewExamples

CHANGES = {"batch_size": 4, "epochs": 3, "checkpoint_steps": 2}
RECIPES = {
    "sft": TINY.model_copy(update=CHANGES | {"objective": "sft", "min_texts": 8}),
    "kto": TINY.model_copy(update=CHANGES | {"objective": "kto", "min_thumbs": 4}),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("written"), texts=8, ups=4, downs=4, held_out=4)


@pytest.mark.parametrize("objective", ["sft", "kto"])
def test_killed_and_resumed_equals_uninterrupted(base, written, objective, tmp_path):
    recipe, reports = RECIPES[objective], []
    whole = train_here(written, base, recipe, tmp_path / "whole", reports)
    assert [one.step for one in reports if one.held_out_loss is None] == [1, 2, 3, 4, 5, 6]
    assert len([one for one in reports if one.held_out_loss is not None]) == 3

    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml())
    arguments = [sys.executable, "-c", SCRIPT, written, base, tmp_path / "recipe.yaml", tmp_path / "run"]
    child = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if line == "step 3\n":  # after the checkpoint of step 2
            child.send_signal(signal.SIGKILL)
            break
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()
    resumed = train_here(written, base, recipe, tmp_path / "run")
    assert resumed.metrics["resumed_from"] == "checkpoint-2"
    assert digest(resumed.adapter_dir) == digest(whole.adapter_dir)
    assert without_times(resumed.metrics) == without_times(whole.metrics)


def test_sft_lowers_the_nats_of_texts_and_has_no_margin(base, written, tmp_path):
    reports = []
    hot = RECIPES["sft"].model_copy(update={"learning_rate": 0.05, "epochs": 8})
    metrics = train_here(written, base, hot, tmp_path, reports).metrics
    steps = [report.loss for report in reports if report.held_out_loss is None]
    assert steps[-1] < steps[0] - 0.1
    assert (metrics["texts_found"], metrics["texts_trained"], metrics["texts_held_out"]) == (8, 8, 4)
    assert (metrics["margin"], metrics["accuracy"], metrics["shift"]) == (None, None, None)
    assert {report.margin for report in reports} == {None}


def test_kto_starts_at_margin_zero_and_tells_ups_from_downs(base, written, tmp_path):
    reports = []
    hot = RECIPES["kto"].model_copy(update={"learning_rate": 0.05, "epochs": 8})
    metrics = train_here(written, base, hot, tmp_path, reports).metrics
    margins = [report.margin for report in reports if report.margin is not None]
    assert margins[0] == pytest.approx(0.0, abs=1e-5) and margins[-1] > 0.1
    assert (metrics["thumbs_trained"], metrics["thumbs_held_out"]) == (8, 4)
    assert metrics["thumb_weights"] == {"up": 1.0, "down": 1.0}


@pytest.mark.parametrize(
    ("objective", "changes", "told"),
    [
        (
            "sft",
            {"min_texts": 9},
            r"8 texts that people wrote to learn from, and 9 edited replies.* \(`min_texts`\)",
        ),
        (
            "kto",
            {"min_thumbs": 5},
            r"4 thumbs up and 4 thumbs down to learn from, and 5 of each \(`min_thumbs`\)",
        ),
    ],
    ids=["sft", "kto"],
)
def test_too_few_are_refused_with_how_many_are_needed(base, written, objective, changes, told, tmp_path):
    from trainer.estimate.forecast import forecast

    recipe = RECIPES[objective].model_copy(update=changes)
    with pytest.raises(TooFewExamples, match=told):
        train_here(written, base, recipe, tmp_path)
    with pytest.raises(TooFewExamples, match=told):
        forecast(written, base, recipe, reference_dir=tmp_path)


@pytest.mark.parametrize("objective", ["sft", "kto"])
def test_forecast_names_the_steps_and_tokens_of_the_run(base, written, objective, tmp_path):
    from transformers import AutoTokenizer

    from trainer.estimate.forecast import forecast
    from trainer.objectives.by_name import read_data

    recipe = RECIPES[objective]
    found = forecast(written, base, recipe, reference_dir=tmp_path)
    assert (found.objective, found.examples, found.held_out, found.steps) == (objective, 8, 4, 6)
    assert found.stored is None and found.unpacked is None and found.seconds.reference == 0
    rows = read_data(written, base, AutoTokenizer.from_pretrained(base), recipe).found.examples
    passes = ("input_ids",) if objective == "sft" else (
        "prompt_ids", "completion_ids", "prompt_ids", "KL_completion_ids"
    )  # fmt: skip
    assert found.tokens.epoch == sum(len(row[name]) for row in rows for name in passes)
    assert found.seconds.training > 0 and found.timed.steps == 4
    assert list(tmp_path.iterdir()) == []
