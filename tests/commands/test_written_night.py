"""A whole night with `sft` and with `kto` on the demo base: `train --now`, child, gate and card."""

import json
from pathlib import Path

import pytest

from demo.build import MODEL_DIR
from tests.commands.conftest import Call
from tests.loop.conftest import write_first_guards
from tests.trainer.objectives.written import make_edit, make_own, make_thumb
from tests.trainer.tiny import QUESTIONS
from trainer.recipes.recipe import Measurement, load_recipe

QUICK = Measurement(
    max_choices=20, max_fit_choices=20, max_prompts=2, samples_per_prompt=2, samples_per_guard=1,
    max_replay=2, max_new_tokens=8, probe_prompts=2,
)  # fmt: skip
LEFT_OUT = ("split", "weight")


def write_imports(folder: Path) -> None:
    choices = [make_own(number) if number % 3 == 0 else make_edit(number) for number in range(50)]
    thumbs = [make_thumb(number, up=number % 2 == 0) for number in range(50)]
    for name, lines in (("choices", choices), ("thumbs", thumbs)):
        kept = [{key: value for key, value in line.items() if key not in LEFT_OUT} for line in lines]
        for line in kept:
            line.pop("source", None)
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in kept))


def write_recipe(folder: Path, objective: str, needed: dict[str, int]) -> Path:
    demo = load_recipe("demo", objective=objective)
    guards = (str(write_first_guards(folder / "guards.jsonl")),)
    measurement = QUICK.model_copy(update={"guards": guards})
    changes = {"measurement": measurement, "epochs": 1.0, "min_steps": 0, "checkpoint_steps": 5, **needed}
    path = folder / f"{objective}.yaml"
    path.write_text(demo.model_copy(update=changes).to_yaml())
    return path


@pytest.mark.parametrize(
    ("objective", "needed", "learnt"),
    [
        ("sft", {"min_texts": 20}, "texts that people wrote"),
        ("kto", {"min_thumbs": 10}, "thumbs"),
    ],
    ids=["sft", "kto"],
)
def test_a_night_ends_with_an_adapter_that_was_measured(
    call: Call, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objective, needed, learnt
) -> None:
    monkeypatch.setenv("REJOINDER_SERVING__BASE_MODEL", str(MODEL_DIR))
    write_imports(tmp_path)
    for kind in ("choices", "thumbs"):
        imported = call("import", str(tmp_path / f"{kind}.jsonl"), "--kind", kind, "--source", "trial")
        assert imported.exit_code == 0, imported.output
    path = write_recipe(tmp_path, objective, needed)
    night = call("train", "--now", "--recipe", str(path), "--json")
    found = json.loads(night.stdout.strip().splitlines()[-1])
    assert found["state"] == "done" and found["decision"] in ("passed", "refused"), night.output
    report = found["report"]
    assert report["n"] > 0 and report["adapter"]["log_loss"] > 0 and report["kl_to_base"] > 0
    assert report["curves"]["loss"]["last_step"] > 1 and report["curves"]["held_out_loss"] is not None
    card = (store / "adapters" / found["adapter"] / "README.md").read_text()
    assert f" {learnt}.\n" in card and f"- {objective}\n" in card
    metrics = json.loads((store / "runs" / found["id"] / "metrics.json").read_text())
    assert metrics["objective"] == objective and metrics["held_out_loss"] is not None


def test_imported_conversations_alone_train_sft(
    call: Call, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REJOINDER_SERVING__BASE_MODEL", str(MODEL_DIR))
    turns = [("customer", "agent" if number % 5 else "bot") for number in range(50)]
    talks = [
        {"id": f"talk{number}", "turns": [{"role": asked, "text": QUESTIONS[number]},
                                          {"role": by, "text": f"Parcel {number} left this morning ."}]}
        for number, (asked, by) in enumerate(turns)
    ]  # fmt: skip
    path = tmp_path / "talks.jsonl"
    path.write_text("".join(json.dumps(talk) + "\n" for talk in talks))
    assert call("import", str(path), "--source", "zendesk").exit_code == 0
    recipe = write_recipe(tmp_path, "sft", {"min_texts": 20})
    night = call("train", "--now", "--recipe", str(recipe), "--json")
    found = json.loads(night.stdout.strip().splitlines()[-1])
    assert (found["state"], found["decision"]) == ("done", "refused"), night.output
    assert found["reasons"][0]["code"] == "no_evidence"  # nobody has picked anything yet
    manifest = json.loads((store / "datasets" / found["dataset_id"] / "manifest.json").read_text())
    counts, left_out = manifest["counts"]["texts"], manifest["refusals"]
    assert left_out["not_by_person"] == 10
    assert counts["all"] + left_out.get("twin_held_out", 0) + left_out.get("copy", 0) == 40
    metrics = json.loads((store / "runs" / found["id"] / "metrics.json").read_text())
    assert metrics["texts_found"] == metrics["texts_trained"] == counts["train"] >= 20
    assert metrics["texts_held_out"] == counts["validation"] > 0
    assert metrics["held_out_loss"] is not None
