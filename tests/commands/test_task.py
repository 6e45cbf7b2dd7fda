"""`rejoinder task`: from a draft to a closed task, from the command line alone."""

import json
from pathlib import Path

import pytest

from commands.frame import Frame
from commands.store import open_store
from tests.commands.conftest import Call
from tests.feedback.labelling.missed import add_run, put_missed


@pytest.fixture
def talks(call: Call, store: Path, tmp_path: Path) -> Call:
    """Three conversations, two of them English, were imported, and their tags adopted."""
    lines = [
        {
            "id": f"c{number}",
            "language": language,
            "turns": [{"role": "customer", "text": "Where?"}],
            "tags": [tag],
        }
        for number, (language, tag) in enumerate([("en", "billing"), ("en", "shipping"), ("zh", "billing")])
    ]
    file = tmp_path / "talks.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    assert call("import", str(file), "--kind", "conversations", "--source", "trial").exit_code == 0
    assert call("tag", "adopt").exit_code == 0
    return call


def test_a_task_is_added_filled_opened_paused_and_closed(talks: Call, tmp_path: Path) -> None:
    guideline = tmp_path / "guideline.md"
    guideline.write_text("One tag is enough.")
    made = talks("task", "add", "About", "--kind", "tag", "--guideline", str(guideline), "--json")
    task_id = json.loads(made.output)["id"]
    english = talks("task", "fill", task_id, "--language", "en")
    assert "Added 2 items; 0 were there already." in english.output and english.exit_code == 0
    assert json.loads(talks("task", "fill", task_id, "--tag", "billing", "--json").output) == {
        "added": 1,
        "skipped": 1,
        "refused": {},
    }
    again = talks("task", "fill", task_id)
    assert again.exit_code == 3 and "Nothing new to label." in again.output
    for verb, state in (("open", "open"), ("pause", "paused"), ("open", "open"), ("close", "closed")):
        assert f"Task {task_id} is {state}." in talks("task", verb, task_id).output
    assert talks("task", "close", task_id).exit_code == 3
    refused = talks("task", "open", task_id)
    assert refused.exit_code == 1 and "is closed, for ever" in refused.output
    (row,) = json.loads(talks("task", "list", "--json").output)["tasks"]
    assert (row["state"], row["labels"], row["items"]["open"]) == ("closed", 0, 3)
    assert "tag, closed, 0 of 3 items settled, 0 labels  About" in talks("task", "list").output


def test_a_task_is_filled_with_what_a_run_missed(call: Call, store: Path, tmp_path: Path) -> None:
    choices = tmp_path / "choices.jsonl"
    ask, texts = [{"role": "user", "content": "Where?"}], [{"text": "Here."}, {"text": "There."}]
    lines = [
        {"id": f"c{number}-1", "prompt": ask, "candidates": texts, "picked": [0], "kind": "pick"}
        for number in range(3)
    ]
    choices.write_text("\n".join(map(json.dumps, lines)))
    assert call("import", str(choices), "--kind", "choices", "--source", "shop").exit_code == 0
    with open_store(Frame(store, None)) as engine:
        listed, bare = add_run(engine), add_run(engine, slot="2")
    put_missed(store, listed, ("shop", "c1-1", 2.0))
    made = json.loads(call("task", "add", "Again", "--kind", "compare", "--json").output)
    assert "Added 1 item" in call("task", "fill", made["id"], "--report", listed).output
    refused = call("task", "fill", made["id"], "--report", bare)
    assert refused.exit_code == 1 and f"Run {bare} has no list" in refused.output
    assert "Name another run" in refused.output


def test_what_no_task_can_ask_is_refused_by_name(talks: Call) -> None:
    assert "No tags" not in talks("task", "list").output
    refused = talks("task", "add", "About", "--kind", "tag", "--tag", "nothing")
    assert refused.exit_code == 1 and "question.tags is 'nothing'" in refused.output
    refused = talks("task", "add", "About", "--kind", "rate", "--overlap", "3", "2")
    assert refused.exit_code == 1 and "overlap_max is '2'" in refused.output
    assert "No tasks yet: rejoinder task add NAME --kind KIND" in talks("task", "list").output
