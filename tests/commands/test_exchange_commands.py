"""import, dataset and export as a person strings them together."""

import gzip
import json
from pathlib import Path

import pytest

from tests.commands.conftest import Call

REPLIES = ["We have sent order A-1 again.", "No.", "Please read the page.", "Your parcel arrives on Monday."]


def choice(number: int) -> dict[str, object]:
    """The first reply is picked; each in a conversation of its own."""
    return {
        "id": f"c{number}-0",
        "prompt": [{"role": "user", "content": f"Where is order A-{number}?"}],
        "candidates": [{"text": text} for text in REPLIES],
        "picked": [0],
        "annotator": f"agent-{number % 5}",
        "at": "2026-01-02T03:04:05Z",
    }


@pytest.fixture
def choices(tmp_path: Path) -> Path:
    path = tmp_path / "choices.jsonl.gz"
    lines = [json.dumps(choice(number)) for number in range(60)]
    path.write_bytes(gzip.compress("\n".join([*lines, "{not json", "[1, 2]"]).encode()))
    return path


def test_import_counts_bad_lines_and_goes_on(call: Call, store: Path, choices: Path) -> None:
    result = call("import", str(choices), "--kind", "choices", "--source", "trial")

    assert result.exit_code == 0
    assert "62 lines: 60 accepted, 0 duplicates, 2 refused" in result.output
    assert "line 61:" in result.output


def test_same_file_twice_adds_nothing_and_ends_with_3(call: Call, store: Path, choices: Path) -> None:
    call("import", str(choices), "--kind", "choices", "--source", "trial")
    again = call("import", str(choices), "--kind", "choices", "--source", "trial", "--json")

    report = json.loads(again.output.splitlines()[0])
    assert (report["accepted"], report["duplicates"], sum(report["refused"].values())) == (0, 60, 2)
    assert again.exit_code in (1, 3)


def test_import_without_one_good_line_fails(call: Call, store: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('"a string"\n17\n')
    result = call("import", str(path), "--kind", "thumbs")

    assert result.exit_code == 1
    assert "2 lines: 0 accepted, 0 duplicates, 2 refused" in result.output
    assert "No line of" in result.output


def test_dataset_is_built_once_listed_and_exported(
    call: Call, store: Path, choices: Path, tmp_path: Path
) -> None:
    call("import", str(choices), "--kind", "choices", "--source", "trial")
    first = call("dataset", "build", "--source", "trial").output.strip().splitlines()[-1]
    second = call("dataset", "build", "--source", "trial").output.strip().splitlines()[-1]
    listed = json.loads(call("dataset", "list", "--json").output)["datasets"]
    out = tmp_path / "pairs.jsonl"
    exported = call("export", first[:12], "--format", "pairs", "--out", str(out))
    pairs = [json.loads(line) for line in out.read_text().splitlines()]

    assert len(first) == 64 and first == second
    assert [row["id"] for row in listed] == [first]
    assert exported.exit_code == 0
    assert len(pairs) == 60 * 3  # the picked reply over each of the three others
    assert {pair["chosen"][0]["content"] for pair in pairs} == {REPLIES[0]}
    assert {pair["rejected"][0]["content"] for pair in pairs} == set(REPLIES[1:])


def test_export_to_standard_output_is_the_file_itself(call: Call, store: Path, choices: Path) -> None:
    call("import", str(choices), "--kind", "choices", "--source", "trial")
    dataset = call("dataset", "build").output.strip().splitlines()[-1]
    lines = call("export", dataset, "--format", "choices").output.splitlines()

    assert len(lines) == 60
    assert {json.loads(line)["kind"] for line in lines} == {"pick"}


def test_selection_without_records_fails_with_the_reason(call: Call, store: Path) -> None:
    result = call("dataset", "build", "--source", "nobody")

    assert result.exit_code == 1
    assert "nobody" in result.output


def test_rederive_tells_how_many_records_it_renewed(call: Call, store: Path) -> None:
    assert json.loads(call("dataset", "rederive", "--json").output) == {"renewed": 0}
    assert call("dataset", "rederive").output.endswith("All records are of the rules of today.\n")


@pytest.mark.parametrize("name", ["abc", "0" * 64])
def test_unknown_dataset_is_told_with_where_to_look(call: Call, store: Path, name: str) -> None:
    result = call("export", name)

    assert result.exit_code == 1
    assert "`rejoinder dataset list` names them" in result.output


def test_train_asks_for_a_run_and_names_it(call: Call, store: Path) -> None:
    asked = json.loads(call("train", "--objective", "dpo", "--limit", "100", "--json").output)
    status = json.loads(call("status", "--json").output)

    assert asked["state"] == "queued"
    assert status["runs"] == {"queued": 1}
    assert status["last_run"]["id"] == asked["run_id"]
    assert status["last_run"]["request"] == {"objective": "dpo", "limit": 100}


def test_evaluating_an_unknown_adapter_fails(call: Call, store: Path) -> None:
    result = call("evaluate", "tuned-20260101-9")

    assert result.exit_code == 1
    assert "tuned-20260101-9" in result.output
