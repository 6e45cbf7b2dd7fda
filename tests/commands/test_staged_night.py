"""A whole night in two stages on the demo base, with weights of tags: `train --now`, child and report."""

import json
from pathlib import Path

import pytest

from demo.build import MODEL_DIR
from tests.commands.conftest import Call
from tests.commands.test_written_night import QUICK, write_imports
from tests.loop.conftest import write_first_guards
from trainer.recipes.recipe import RecipeStage, load_recipe
from trainer.recipes.tag_weights import TagWeight

STAGES = (
    RecipeStage(objective="sft", grades=("A", "B", "C")),
    RecipeStage(learning_rate=1e-4, epochs=0.5),
)


def write_staged_recipe(folder: Path) -> Path:
    guards = (str(write_first_guards(folder / "guards.jsonl")),)
    changes = {
        "measurement": QUICK.model_copy(update={"guards": guards}), "epochs": 1.0,
        "min_steps": 0, "checkpoint_steps": 5, "min_texts": 20,
        "stages": STAGES, "tag_weights": {"bling": TagWeight(weight=2)},
    }  # fmt: skip
    path = folder / "staged.yaml"
    path.write_text(load_recipe("demo").model_copy(update=changes).to_yaml())
    return path


def test_texts_first_and_choices_after_end_in_one_measured_adapter(
    call: Call, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REJOINDER_SERVING__BASE_MODEL", str(MODEL_DIR))
    write_imports(tmp_path)
    imported = call("import", str(tmp_path / "choices.jsonl"), "--kind", "choices", "--source", "trial")
    assert imported.exit_code == 0, imported.output
    night = call("train", "--now", "--recipe", str(write_staged_recipe(tmp_path)), "--json")
    found = json.loads(night.stdout.strip().splitlines()[-1])
    assert found["state"] == "done" and found["decision"] in ("passed", "refused"), night.output
    metrics = json.loads((store / "runs" / found["id"] / "metrics.json").read_text())
    first, second = metrics["stages"]
    assert [first["objective"], second["objective"]] == ["sft", "choice"]
    assert first["left_out"] == {} and first["texts_trained"] > 20  # fifty accepted lines: grade B
    assert second["tags"] == {"bling": 0} and second["examples_trained"] > 20
    report = found["report"]
    assert [one["stage"] for one in report["stages"]] == [1, 2] and report["curves"]["loss"] is not None
    assert report["tags"]["bling"]["n"] == 0 and report["tags"]["bling"]["weight"] == 2
    assert (store / "adapters" / found["adapter"] / "weights" / "adapter_model.safetensors").is_file()
