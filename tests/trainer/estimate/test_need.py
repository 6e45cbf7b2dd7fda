"""Bytes by hand, and a run of the demo model in a process of its own beside what was told of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.trainer.conftest import TINY
from trainer.estimate.activations import Widths, count_activations, read_widths
from trainer.estimate.memory import Need
from trainer.estimate.need import find_run_need

ROOT = Path(__file__).resolve().parents[3]
CHOICE = TINY.model_copy(update={"objective": "choice"})
SMALL = Widths(layers=2, hidden=10, heads=8, mlp=20, vocabulary=100)
SCRIPT = """
import sys
from pathlib import Path
from trainer.recipes.recipe import load_recipe
from trainer.training.train import train

changes = {"epochs": 1, "min_steps": 0, "max_examples": 8, "max_held_out_pairs": 4}
dataset, run = map(Path, sys.argv[1:])
train(dataset, Path("demo/model"), load_recipe("demo", **changes), run, lambda _: None)
"""


def test_widths_are_those_of_the_configuration(base):
    assert read_widths(base) == Widths(
        layers=2, hidden=32, heads=32, mlp=64, vocabulary=read_widths(base).vocabulary
    )


def test_activations_by_hand():
    """A layer has 40 + 48 + 80 = 168 numbers a token; the logits of three tokens are 300 numbers."""
    assert SMALL.layer == 168

    def count(**changes):
        return count_activations(SMALL, CHOICE.model_copy(update=changes), tokens=50, head_rows=3)

    head = 3 * 4 * 300
    assert count() == round(1.6 * 4 * 50 * 2 * 168) + head
    assert count(dtype="bfloat16") == round(1.6 * 2 * 50 * 2 * 168) + head
    assert count(gradient_checkpointing=True) == round(1.6 * 4 * 50 * (2 * 10 + 168)) + head
    assert count(method="freeze", frozen_layers="half") == round(1.6 * 4 * 50 * 168) + head
    assert count(method="prefix") == round(1.6 * 4 * 50 * 2 * (20 + 48 + 60)) + head


def test_one_line_names_every_part(base):
    needs = {"lora": Need(weights=3 * 2**30, gradients=2**29, adam=2**30)}
    need = find_run_need(base, CHOICE, needs, tokens=100, program=2**30, seconds=90.0)
    assert need.memory == 5 * 2**30 + 2**29 + need.activations
    assert str(need).startswith("forecast, lora: 5.5")
    assert "= program 1.00 GiB + weights 3.00 GiB + gradients 0.50 GiB + optimizer 1.00 GiB + activ" in str(
        need
    )
    assert str(need).endswith("; 90 s")


def test_memory_of_a_run_of_the_demo_model_is_within_a_quarter_of_what_was_told(dataset, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT, str(dataset), str(tmp_path)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    need = json.loads((tmp_path / "metrics.json").read_text())["need"]
    assert need["program"] + need["weights"] < need["measured"]
    assert abs(need["measured"] / need["memory"] - 1) < 0.25
