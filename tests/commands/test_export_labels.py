"""`rejoinder export --format labels` as a person calls it."""

import csv
import json
from pathlib import Path

from feedback.store.engine import open_engine, unit_of_work
from feedback.store.tables import Task
from tests.commands.conftest import Call
from tests.feedback.labelling.label_rows import add_item, add_label, add_labelled, add_task


def fill(store: Path) -> tuple[Task, Task]:
    """A task with two items, and one that compares arms and is open."""
    engine = open_engine(f"sqlite:///{store / 'rejoinder.db'}")
    with unit_of_work(engine) as session:
        plain, arms = add_task(session, name="Refunds"), add_task(session, name="Duel")
        add_labelled(session, plain, "aa", "ab")
        add_label(session, add_item(session, arms, 1, subject_kind="prompt"), "ann", "a")
    engine.dispose()
    return plain, arms


def test_labels_leave_as_a_table_or_as_lines(call: Call, store: Path, tmp_path: Path) -> None:
    plain, _arms = fill(store)
    out = tmp_path / "labels.csv"

    result = call("export", "--format", "labels", "--task", "Refunds", "--out", str(out))
    assert result.exit_code == 0
    assert result.output.splitlines() == [f"{out}: 1 task, 2 labellers"]
    with out.open(encoding="utf-8-sig", newline="") as file:
        assert [(row["item_id"] != "", row["ann"], row["ben"]) for row in csv.DictReader(file)] == [
            (True, "a", "a"),
            (True, "a", "b"),
        ]

    lines = call("export", "--format", "labels", "--task", plain.id).output.splitlines()
    assert [sorted(json.loads(line)["labels"]) for line in lines] == [["ann", "ben"], ["ann", "ben"]]


def test_what_is_left_out_is_said(call: Call, store: Path, tmp_path: Path) -> None:
    fill(store)
    result = call("export", "--format", "labels", "--out", str(tmp_path / "labels.jsonl"))
    assert "1 task, 2 labellers" in result.output
    assert "1 task left out: they compare two versions and are not closed yet." in result.output


def test_options_of_records_are_refused_with_labels(call: Call, store: Path) -> None:
    for words in (
        ("--format", "labels", "--kind", "pairs"),
        ("--format", "labels", "--source", "star"),
        ("--task", "Refunds", "--kind", "pairs"),
    ):
        assert call("export", *words).exit_code == 2, words


def test_a_task_that_is_not_there_is_said(call: Call, store: Path) -> None:
    result = call("export", "--format", "labels", "--task", "Nothing")
    assert result.exit_code != 0
    assert "Nothing" in result.output
