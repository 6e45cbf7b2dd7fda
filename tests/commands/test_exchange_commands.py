"""import, dataset and export as a person strings them together."""

import gzip
import json
import re
from pathlib import Path

import pytest

from feedback.formats.report import NOTES
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


def test_what_a_file_holds_is_found_and_said(call: Call, store: Path, choices: Path) -> None:
    result = call("import", str(choices))

    assert result.exit_code == 0
    assert "choices.jsonl.gz: our own choices (JSON lines, utf-8)" in result.output
    assert "60  name no conversation: it is guessed as the id up to its last -" in result.output


def test_a_dry_run_shows_three_records_and_needs_no_store(call: Call, choices: Path, data_dir: Path) -> None:
    result = call("import", str(choices), "--dry-run")

    assert result.exit_code == 0
    shown = [json.loads(line) for line in result.output.splitlines() if line.startswith("{")]
    assert [record["id"] for record in shown] == ["c0-0", "c1-0", "c2-0"]
    assert shown[0]["record"]["candidates"] == [{"text": text} for text in REPLIES]
    assert "62 lines: 60 would be accepted, 0 duplicates, 2 refused" in result.output
    assert "line 61: Expecting property name" in result.output
    assert not (data_dir / "rejoinder.db").exists()


def test_an_import_is_listed_and_undone(call: Call, store: Path, choices: Path) -> None:
    call("import", str(choices))
    listed = call("import", "--list").output
    start = listed.split()[0]
    undone = call("import", "--undo", start).output

    assert "choices.jsonl.gz  60 accepted" in listed
    assert "Removed 60 records and 0 conversations of choices.jsonl.gz." in undone
    assert "60 accepted, undone" in call("import", "--list").output
    assert "60 accepted" in call("import", str(choices)).output


def test_columns_are_mapped_word_by_word(call: Call, store: Path, tmp_path: Path) -> None:
    path = tmp_path / "mails.csv"
    path.write_text("thread,author_type,body\n1,user,Where is it?\n1,admin,On its way.\n")
    result = call("import", str(path), "--map", "text=body", "role=author_type", "conversation=thread")

    assert "1 conversations" in result.output and result.exit_code == 0


@pytest.mark.parametrize(
    "words",
    [[], ["no-such-file"], ["--map", "text"], ["--list", "file"], ["x=y", "--map", "text=body"]],
)
def test_words_that_name_no_file_are_refused(call: Call, store: Path, words: list[str]) -> None:
    assert call("import", *words).exit_code == 2


def test_a_file_without_known_records_says_what_is_in_it(call: Call, store: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('[{"colour": "red", "size": 3}]')
    result = call("import", str(path))

    assert result.exit_code == 1
    assert "its records have the fields colour, size" in result.output


def test_every_note_of_an_import_has_its_words() -> None:
    rooms = Path(__file__).resolve().parents[2] / "feedback" / "formats"
    code = "".join(path.read_text(encoding="utf-8") for path in rooms.glob("*.py"))
    notes = set(re.findall(r'"((?:guessed_\w+|\w+_left_out|first_message_only))"', code))
    made = {f"{role}_left_out" for role in ("system", "tool")}
    assert notes | made == NOTES.keys()


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
    exported = call("export", first[:12], "--kind", "pairs", "--out", str(out))
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
    lines = call("export", dataset, "--kind", "choices").output.splitlines()

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
    result = call("export", name, "--kind", "pairs")

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


def test_a_dataset_leaves_as_a_folder_that_comes_in_again(
    call: Call, store: Path, choices: Path, tmp_path: Path
) -> None:
    call("import", str(choices), "--kind", "choices", "--source", "trial")
    dataset = call("dataset", "build").output.strip().splitlines()[-1]
    folder = tmp_path / "out"
    told = call("export", dataset, "--format", "llamafactory", "--out", str(folder)).output

    assert f"{folder / 'pairs.jsonl'}: 180 lines" in told
    assert "  60 choices: dwell_ms" not in told and "180 pairs: kind is not held" in told
    assert sorted(path.name for path in folder.iterdir()) == [
        "dataset_info.json",
        "pairs.jsonl",
        "rejoinder_export.json",
    ]
    again = call("import", str(folder), "--dry-run").output
    assert "pairs.jsonl: LLaMA-Factory dpo (JSON lines, utf-8)" in again
    assert "180 lines: 180 would be accepted, 0 duplicates, 0 refused" in again


def test_the_whole_store_leaves_and_comes_in_again(
    call: Call, store: Path, choices: Path, tmp_path: Path
) -> None:
    call("import", str(choices), "--kind", "choices")
    chats = tmp_path / "chats.jsonl"
    said = [{"role": "customer", "text": "=Where?"}, {"role": "agent", "text": "Here."}]
    chats.write_text(json.dumps({"id": 7, "source": "desk", "turns": said}))
    call("import", str(chats))
    folder, table = tmp_path / "all", tmp_path / "desk.csv"
    report = json.loads(call("export", "--out", str(folder), "--json").output)
    assert report["lines"] == {"choices.jsonl": 60, "conversations.jsonl": 1} and report["lost"] == {}
    assert "61 duplicates, 0 refused" in call("import", str(folder)).output

    call("export", "--format", "csv", "--kind", "conversations", "--source", "desk", "--out", str(table))
    assert "desk.csv: our own conversations (CSV, utf-8)" in call("import", str(table), "--dry-run").output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "Name a folder with --out"),
        (["--split", "train", "--kind", "pairs"], "only a dataset has splits"),
        (["abc", "--kind", "pairs", "--source", "x"], "--source is for the store"),
        (["--out", "FILE"], "is a file"),
        (["--kind", "pairs", "--out", "FOLDER"], "is a folder"),
    ],
)
def test_an_export_that_is_not_clear_is_refused(
    call: Call, store: Path, tmp_path: Path, words: list[str], told: str
) -> None:
    (tmp_path / "file").write_text("x")
    paths = {"FILE": str(tmp_path / "file"), "FOLDER": str(tmp_path)}
    result = call("export", *(paths.get(word, word) for word in words))

    assert result.exit_code == 2 and told in result.output


def test_an_empty_store_has_nothing_to_export(call: Call, store: Path, tmp_path: Path) -> None:
    result = call("export", "--out", str(tmp_path / "out"))

    assert (
        result.exit_code == 1 and "there is no record that the format 'own' has a place for" in result.output
    )
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_recognised_keeps_no_other_from_coming_in(
    call: Call, store: Path, choices: Path, tmp_path: Path
) -> None:
    other = tmp_path / "rules.json"
    other.write_text('{"refunds": "within 14 days", "opening": "at 9"}')
    result = call("import", str(other), str(choices))

    assert result.exit_code == 1
    assert "rules.json: cannot tell what" in result.output and "60 accepted" in result.output
    assert "1 of 2 files did not come in, as said above: rules.json." in result.output


def test_a_build_says_its_counts_by_row_and_warns_of_an_empty_split(
    call: Call, store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "two.jsonl"
    path.write_text("\n".join(json.dumps(choice(number)) for number in (1, 2)))
    call("import", str(path))
    lines = call("dataset", "build").output.splitlines()

    assert "       2  choices: 2 train, 0 validation, 0 test" in lines
    assert "       6  pairs: 6 train, 0 validation, 0 test" in lines
    assert "          kinds: 2 pick" in lines and "       2  conversations" in lines
    assert sum(line.startswith("None of the choices is in test: ") for line in lines) == 1
    assert not any("the thumbs" in line for line in lines) and len(lines[-1]) == 64
