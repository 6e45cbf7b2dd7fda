"""dataset build with its wishes, diff, check and what they end with."""

import json
from pathlib import Path

import pytest

from tests.commands.conftest import Call
from tests.feedback.formats.files import choice, write


@pytest.fixture
def two(call: Call, store: Path, tmp_path: Path) -> tuple[str, str]:
    """Two versions: all of six records, and those in English without the tag vip."""
    lines = [choice(number) for number in range(4)]
    path = write(tmp_path / "c.jsonl", *lines, choice(4, language="zh-CN"), choice(5, tags=["vip"]))
    call("import", str(path), "--kind", "choices")
    whole = call("dataset", "build").output.splitlines()[-1]
    chosen = call("dataset", "build", "--language", "en", "--without-tag", "vip").output.splitlines()[-1]
    return whole, chosen


def test_a_diff_tells_what_left_and_why(call: Call, two: tuple[str, str]) -> None:
    shown = call("dataset", "diff", two[0][:12], two[1][:12]).output
    assert "In both: 4 records." in shown and "Came in: 0 records." in shown
    assert "Left: 2 records." in shown and "2  why not_selected" in shown
    assert "1  tag vip" in shown and "1  language zh-CN" in shown
    told = json.loads(call("dataset", "diff", *two, "--json").output)
    assert (told["kept"], told["left"]["by"]["why"]) == (4, {"not_selected": 2})
    assert call("dataset", "diff", two[0], "ffffff").exit_code == 1


def test_check_ends_with_0_for_a_sound_dataset_and_1_for_another(
    call: Call, data_dir: Path, two: tuple[str, str]
) -> None:
    sound = call("dataset", "check", two[0][:12])
    assert (sound.exit_code, "nothing leaks" in sound.output) == (0, True)
    directory = data_dir / "datasets" / two[0]
    (directory / "thumbs.jsonl").unlink()
    assert call("dataset", "check", str(directory)).exit_code == 1
    (directory / "thumbs.jsonl").write_text("")
    lines = (directory / "pairs.jsonl").read_text().splitlines(keepends=True)
    (directory / "pairs.jsonl").write_text("".join(lines[1:]))
    wrong = call("dataset", "check", str(directory))
    assert wrong.exit_code == 1 and "files with other content than their manifest says: 1" in wrong.output
    (fault,) = json.loads(call("dataset", "check", str(directory), "--json").output.splitlines()[0])["faults"]
    assert (fault["code"], fault["examples"]) == ("file_changed", [[{"name": "pairs.jsonl", "split": ""}]])
    assert call("dataset", "check", "ffffff").exit_code == 1


def test_a_selection_without_records_is_named_in_words(call: Call, two: tuple[str, str]) -> None:
    empty = call("dataset", "build", "--source", "nowhere", "--tag", "vip", "--tag", "new")
    assert empty.exit_code == 1
    assert "no choice, pair or thumb for sources: nowhere; tags: new, vip (refused" in empty.output


def test_one_record_is_said_in_the_singular_and_without_a_language_as_unknown(
    call: Call, store: Path, tmp_path: Path
) -> None:
    call("import", str(write(tmp_path / "c.jsonl", choice(0, language=""))), "--kind", "choices")
    shown = call("dataset", "build").output.splitlines()
    assert any(line.startswith("       1    unknown: ") for line in shown)
    start = call("import", "--list").output[:8]
    undone = call("import", "--undo", start).output
    assert "Removed 1 record and 0 conversations of c.jsonl." in undone


def test_records_are_made_by_the_operations_that_are_named(call: Call, store: Path, tmp_path: Path) -> None:
    """The conversation talk1 is in train."""
    prompt = [{"role": "user", "content": "The lamp that I bought flickers at night. Who helps me?"}]
    call("import", str(write(tmp_path / "c.jsonl", choice(1, prompt=prompt))), "--kind", "choices")
    shown = call("dataset", "build", "--augment", "synonym,order").output
    assert "1    order: 1 train, 0 validation, 0 test" in shown and "1    synonym: 1 train" in shown
    wrong = call("dataset", "build", "--augment", "synonym,sorcery")
    assert wrong.exit_code == 2 and "'sorcery' is none of synonym, order," in wrong.output
