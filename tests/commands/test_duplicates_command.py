"""`rejoinder duplicates`: what the last build found, and its exit codes."""

import json
from pathlib import Path

from tests.commands.conftest import Call


def write_choices(path: Path, source: str, count: int, picked: int = 0) -> str:
    lines = [
        {
            "id": f"{source}{number}-0",
            "source": source,
            "prompt": [{"role": "user", "content": f"Where is order A-{number}?"}],
            "candidates": [{"text": "It leaves today."}, {"text": "Please read the page."}],
            "picked": [picked],
        }
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def test_copies_losses_and_contradictions_are_told_from_the_last_build(
    call: Call, store: Path, tmp_path: Path
) -> None:
    assert call("duplicates").exit_code == 3
    for source, count, picked in (("desk", 5, 0), ("export", 3, 0), ("other", 1, 1)):
        call("import", write_choices(tmp_path / f"{source}.jsonl", source, count, picked))
    built = call("dataset", "build").output
    told = call("duplicates").output
    warning = "export lost 3 of 3 records as copies, most of them to desk"

    assert f"Warning: {warning}" in built
    assert "3  copies in export, kept in desk" in told and warning in told
    assert "1  contradictions in all, of which 1 are named:" in told
    assert "contradiction: " in told and "choice:other/other0-0" in told and "choice:desk/desk0-0" in told


def test_one_source_alone_and_json(call: Call, store: Path, tmp_path: Path) -> None:
    for source, count in (("desk", 5), ("export", 3), ("alone", 0)):
        call("import", write_choices(tmp_path / f"{source}.jsonl", source, count))
    dataset = call("dataset", "build").output.strip().splitlines()[-1]
    found = json.loads(call("duplicates", "--source", "export", "--json").output)

    assert found["dataset"] == dataset and found["read"] == {"export": 3}
    assert found["copies"] == [{"kept": "desk", "refused": "export", "records": 3}]
    wrong = call("duplicates", "--source", "gone")
    assert wrong.exit_code == 1 and "desk, export" in wrong.output
