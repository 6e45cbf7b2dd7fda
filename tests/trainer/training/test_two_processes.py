"""A run under `accelerate launch` on two processes takes the steps of one.

One launch trains all cases one after the other: to start two processes takes many times as long as a case.
"""

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
from trainer.recipes.recipe import load_recipe

STEPS = 5
# Rows of one or two choices, so that both processes have several in a step, and not the same number.
SHORT = TINY.model_copy(
    update={
        "objective": "choice", "batch_size": 4, "accumulation": 1, "row_tokens": 90, "epochs": STEPS / 6,
        "patience": 1,
    }
)  # fmt: skip
CASES = {
    "run": {"reference": "run"},
    "stored": {"reference": "stored"},
    "talks": {"max_length": 256, "row_tokens": 300},
    "dpo": {"objective": "dpo", "batch_size": 12},  # three pairs a choice
}
LAUNCHED = """
import os
import sys
from pathlib import Path
from trainer.recipes.recipe import load_recipe
from trainer.training.train import train

base, *cases = map(Path, sys.argv[1:])
for case in cases:
    run = case / "both"
    run.mkdir(exist_ok=True)
    (run / ("process-" + os.environ["RANK"] + "-of-" + os.environ["WORLD_SIZE"])).touch()
    train(case / "dataset", base, load_recipe(case / "recipe.yaml"), run, lambda report: None)
"""


@pytest.fixture(scope="module")
def launched(base: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each case with its dataset, its recipe and, in `both`, its run on two processes."""
    home = tmp_path_factory.mktemp("launched")
    for name, changes in CASES.items():
        (home / name).mkdir()
        (home / name / "recipe.yaml").write_text(SHORT.model_copy(update=changes).to_yaml())
    for name in ("run", "stored"):
        weigh_unequally(dataset, home / name / "dataset")
    write_talks(home / "talks" / "plain")
    weigh_unequally(home / "talks" / "plain", home / "talks" / "dataset")
    (home / "dpo" / "dataset").symlink_to(dataset)  # DPO thins by weight
    (home / "launched.py").write_text(LAUNCHED)
    # With --cpu accelerate wants MPI to start more than one; its launcher for GPUs starts them by itself, and
    # they meet over gloo where told to use CPUs.
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    launch += ["--main_process_port", "0", str(home / "launched.py"), str(base)]
    launch += [str(home / name) for name in CASES]
    root = Path(__file__).resolve().parents[3]
    ended = subprocess.run(
        launch,
        env=os.environ | {"PYTHONPATH": str(root), "ACCELERATE_USE_CPU": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return home


@pytest.mark.parametrize("name", ["run", "stored", pytest.param("talks", marks=pytest.mark.rounding), "dpo"])
def test_two_processes_take_the_steps_of_one(base: Path, launched: Path, name: str) -> None:
    from safetensors.torch import load_file

    case = launched / name
    reports: list[Report] = []
    recipe = load_recipe(case / "recipe.yaml")
    alone = train_here(case / "dataset", base, recipe, case / "alone", reports)
    assert alone.metrics["steps"] == STEPS
    assert sorted(path.name for path in (case / "both").glob("process-*")) == [
        "process-0-of-2",
        "process-1-of-2",
    ]
    written = (case / "both" / "progress.jsonl").read_text().splitlines()
    lines = [Report(**json.loads(line)) for line in written]
    assert [report.step for report in lines] == [report.step for report in reports]
    # A process's rows hold other choices than those of one alone.
    rounding = find_rounding(case / "dataset", base)
    for figure in ("loss", "margin", "shift", "held_out_loss"):
        ours = [getattr(report, figure) or 0.0 for report in reports]
        theirs = [getattr(report, figure) or 0.0 for report in lines]
        assert theirs == pytest.approx(ours, rel=1e-5, abs=rounding)
    one, two = (
        load_file(case / folder / "adapter" / "adapter_model.safetensors") for folder in ("alone", "both")
    )
    assert len(one) == 28
    for weight, tensor in one.items():
        assert float((tensor - two[weight]).norm()) <= 1e-5 * float(tensor.norm()), weight
