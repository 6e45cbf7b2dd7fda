"""A run under `accelerate launch` on two processes takes the steps of one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trainer.conftest import TINY
from tests.trainer.conversations import write_talks
from tests.trainer.tiny import find_rounding, weigh_unequally
from tests.trainer.training.test_train import train_here
from trainer.progress import Report

STEPS = 5
LAUNCHED = """
import os
import sys
from pathlib import Path
from trainer.recipes.recipe import load_recipe
from trainer.training.train import train

dataset, base, recipe, run = map(Path, sys.argv[1:])
run.mkdir(exist_ok=True)
(run / ("process-" + os.environ["RANK"] + "-of-" + os.environ["WORLD_SIZE"])).touch()
train(dataset, base, load_recipe(recipe), run, lambda report: None)
"""


@pytest.mark.parametrize(
    "changes",
    [
        {"reference": "run"},
        {"reference": "stored"},
        pytest.param({"max_length": 256, "row_tokens": 300}, marks=pytest.mark.rounding, id="talks"),
        {"objective": "dpo", "batch_size": 12},  # three pairs a choice
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_two_processes_take_the_steps_of_one(base, dataset, tmp_path, changes):
    """Rows of one or two choices, so that both processes have several in a step, and not the same number."""
    if "max_length" in changes:
        dataset = write_talks(tmp_path / "talks")
    if changes.get("objective") != "dpo":  # which thins by weight
        dataset = weigh_unequally(dataset, tmp_path / "weighed")
    from safetensors.torch import load_file

    recipe = TINY.model_copy(
        update={
            "objective": "choice", "batch_size": 4, "accumulation": 1, "row_tokens": 90, "epochs": STEPS / 6,
            "patience": 1, **changes,
        }
    )  # fmt: skip
    reports: list[Report] = []
    alone = train_here(dataset, base, recipe, tmp_path / "alone", reports)
    assert alone.metrics["steps"] == STEPS
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml())
    (tmp_path / "launched.py").write_text(LAUNCHED)
    # With --cpu accelerate wants MPI to start more than one; its launcher for GPUs starts them by itself, and
    # they meet over gloo where told to use CPUs.
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    launch += ["--main_process_port", "0", str(tmp_path / "launched.py")]
    launch += [str(path) for path in (dataset, base, tmp_path / "recipe.yaml", tmp_path / "both")]
    root = Path(__file__).resolve().parents[3]
    ended = subprocess.run(
        launch,
        env=os.environ | {"PYTHONPATH": str(root), "ACCELERATE_USE_CPU": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert sorted(path.name for path in (tmp_path / "both").glob("process-*")) == [
        "process-0-of-2",
        "process-1-of-2",
    ]
    written = (tmp_path / "both" / "progress.jsonl").read_text().splitlines()
    lines = [Report(**json.loads(line)) for line in written]
    assert [report.step for report in lines] == [report.step for report in reports]
    rounding = find_rounding(dataset, base)  # a process's rows hold other choices than those of one alone
    for name in ("loss", "margin", "shift", "held_out_loss"):
        ours = [getattr(report, name) or 0.0 for report in reports]
        theirs = [getattr(report, name) or 0.0 for report in lines]
        assert theirs == pytest.approx(ours, rel=1e-5, abs=rounding)
    one, two = (
        load_file(folder / "adapter" / "adapter_model.safetensors")
        for folder in (tmp_path / "alone", tmp_path / "both")
    )
    assert len(one) == 28
    for name, tensor in one.items():
        assert float((tensor - two[name]).norm()) <= 1e-5 * float(tensor.norm()), name
