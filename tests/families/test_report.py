"""The page of tried bases: it shows what was found, and a family that fails does not end the others."""

import json

import pytest
from click.testing import CliRunner

from tests.families import report
from tests.families.table import FAMILIES


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "FOUND", tmp_path / "tried.json")
    monkeypatch.setattr(report, "PAGE", tmp_path / "models.md")
    monkeypatch.setattr(report.tempfile, "tempdir", str(tmp_path))
    return tmp_path


def run(*names):
    return CliRunner().invoke(report.main, list(names))


def read_row(files, name):
    rows = [line for line in (files / "models.md").read_text().splitlines() if line.startswith(f"| {name} |")]
    (row,) = rows
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_page_is_what_was_found_last():
    assert report.PAGE.read_text(encoding="utf-8") == report.render_page(report.read_found())
    assert set(report.read_found()) <= set(FAMILIES)


def test_family_that_fails_has_a_row_and_the_next_one_is_tried(files, monkeypatch):
    def fail_for_qwen2(base, folder, on_stage):
        on_stage("one night")
        if "qwen2" in folder.name:
            raise AssertionError("run 1 ended\nhttpx INFO\n7.5 nat from the trainer's")
        return "its attention uses softcap"

    monkeypatch.setattr(report, "build_taught", lambda folder, name: folder)
    monkeypatch.setattr(report, "turn_night", fail_for_qwen2)
    result = run("qwen2", "gemma2")
    assert result.exit_code == 1 and result.output.endswith("failed: qwen2\n"), result.output
    failed, passed = read_row(files, "qwen2"), read_row(files, "gemma2")
    assert failed[2] == "**failed** at: one night" and failed[5].startswith("7.5 nat")
    assert passed[1:3] == ["yes", "yes"] and passed[4] == "separate" and "softcap" in passed[5]
    assert read_row(files, "llama3")[1:3] == ["not tried", "not tried"]
    monkeypatch.setattr(report, "turn_night", lambda *_: None)
    assert run("qwen2").exit_code == 0  # and the others keep their rows
    assert read_row(files, "qwen2")[4] == "packed" and read_row(files, "gemma2") == passed


@pytest.mark.parametrize(
    ("name", "trains", "serves", "note"),
    [
        ("qwen3-moe", "yes", "not tried", "mixture of experts on a CPU"),
        ("falcon", "yes", "no", "takes no adapter"),
        ("gpt2", "no", "no", "rows and columns exchanged"),
    ],
)
def test_what_the_engine_here_does_not_serve_is_trained_and_marked(files, name, trains, serves, note):
    result = run(name)
    assert result.exit_code == 0, result.output
    row = read_row(files, name)
    assert row[1:3] == [trains, serves] and note in row[5]
    assert json.loads((files / "tried.json").read_text())[0]["passed"] is True
