"""`rejoinder train --dry-run`: what it prints, how it ends, and that it leaves nothing behind."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.commands.conftest import Call
from tests.trainer.conftest import TINY
from tests.trainer.tiny import make_base, make_choice
from trainer.recipes.recipe import RecipeStage
from trainer.recipes.tag_weights import TagWeight

RECIPE = TINY.model_copy(update={"objective": "choice", "batch_size": 8})


@pytest.fixture
def built(call: Call, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A dataset of 40 choices and a tiny base; its id."""
    (tmp_path / "base").mkdir()
    make_base(tmp_path / "base")
    monkeypatch.setenv("REJOINDER_SERVING__BASE_MODEL", str(tmp_path / "base"))
    (tmp_path / "mine.yaml").write_text(RECIPE.to_yaml())
    lines = []
    for number in range(40):
        body = make_choice(number, "train")
        lines.append({key: value for key, value in body.items() if key not in ("split", "weight")})
    path = tmp_path / "choices.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert call("import", str(path), "--kind", "choices", "--source", "trial").exit_code == 0
    return call("dataset", "build").output.strip().splitlines()[-1]


def list_files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_dry_run_counts_and_leaves_nothing(call: Call, store: Path, built: str, tmp_path: Path) -> None:
    before = list_files(store)
    words = ("train", "--dry-run", "--dataset", built[:12], "--recipe", str(tmp_path / "mine.yaml"))
    table = call(*words)
    machine = call(*words, "--json")

    assert (table.exit_code, machine.exit_code) == (0, 0)
    found = json.loads(machine.stdout.strip().splitlines()[-1])
    assert found["objective"] == "choice" and found["recipe"] == "tiny"
    assert found["steps"] == 2 * -(-found["examples"] // 8)
    assert found["tokens"]["reference"] > found["tokens"]["epoch"] / 2
    assert found["parameters"]["adapter"] == 4096
    assert found["needs"]["full"]["weights"] == 4 * found["parameters"]["total"]
    assert found["timed"]["steps"] + found["timed"]["skipped"] == 5
    for text in ("tokens an epoch", "the longest batch", "qlora", "from 4 steps after 1 not timed", "4,096"):
        assert text in table.output
    assert list_files(store) == before


def test_limit_and_objective_win_over_the_recipe(call: Call, built: str, tmp_path: Path) -> None:
    words = ("--recipe", str(tmp_path / "mine.yaml"), "--limit", "9", "--objective", "dpo", "--json")
    result = call("train", "--dry-run", "--dataset", built, *words)

    found = json.loads(result.stdout.strip().splitlines()[-1])
    assert (found["objective"], found["examples"], found["stored"]) == ("dpo", 9, None)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("--dry-run",), 2, "--dry-run needs --dataset"),
        (("--dry-run", "--now", "--dataset", "abcdef"), 2, "goes without --now"),
        (("--dry-run", "--dataset", "abcdef"), 1, "There is no dataset 'abcdef'"),
    ],
)
def test_what_cannot_be_forecast(
    call: Call, store: Path, words: tuple[str, ...], code: int, text: str
) -> None:
    result = call("train", *words)

    assert result.exit_code == code
    assert text in result.output


def test_rank_that_serving_does_not_take_is_refused(call: Call, built: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(RECIPE.model_copy(update={"rank": 256}).to_yaml())
    result = call("train", "--dry-run", "--dataset", built, "--recipe", str(tmp_path / "mine.yaml"))

    assert result.exit_code == 1
    assert "rank: serving takes at most" in result.output


def test_stages_are_forecast_each_and_add_up_and_a_tag_is_counted(
    call: Call, store: Path, built: str, tmp_path: Path
) -> None:
    changes = {
        "stages": (RecipeStage(epochs=1), RecipeStage(epochs=0.5)),
        "tag_weights": {"vip": TagWeight(weight=2)},
    }
    (tmp_path / "mine.yaml").write_text(RECIPE.model_copy(update=changes).to_yaml())
    before = list_files(store)
    result = call("train", "--dry-run", "--dataset", built, "--recipe", str(tmp_path / "mine.yaml"))

    assert result.exit_code == 0, result.output
    assert "stage 1 of 2" in result.output and "stage 2 of 2" in result.output
    [examples, *_] = [int(line.split()[-1]) for line in result.output.splitlines() if "learnt from" in line]
    steps = -(-examples // 8)
    assert f"all stages: {steps + -(-steps // 2)} steps, " in result.output
    assert re.search(r"^all stages: .*, at most [\d.]+ GiB$", result.output, re.M), result.output
    assert f"of the tag {'vip':<12} {0:>12,}" in result.output
    assert list_files(store) == before
