"""Labels as files: a row for each item, a column for each labeller, and no formula anywhere."""

import csv
import io
import json

import pytest
from sqlalchemy import Engine

from feedback.exports.labels import (
    iterate_items,
    list_exported,
    name_labellers,
    write_label_cells,
    write_label_lines,
)
from feedback.store import users
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Task
from feedback.store.tasks import list_tasks
from tests.databases import START
from tests.feedback.builders import DESK
from tests.feedback.labelling.label_rows import add_item, add_label, add_labelled, add_task, add_undo


def export(engine: Engine, *, as_cells: bool) -> str:
    with read(engine) as session:
        tasks = list_exported(session, list_tasks(session, desk_id=DESK))
        columns = name_labellers(session, desk_id=DESK, task_ids=[task.id for task in tasks])
        rows = iterate_items(session, tasks, columns)
        return b"".join(write_label_cells(rows, columns) if as_cells else write_label_lines(rows)).decode()


def read_table(engine: Engine) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(export(engine, as_cells=True).removeprefix("\ufeff"), newline="")))


@pytest.fixture
def people(store_engine: Engine) -> dict[str, str]:
    """The keys of two people; one has a name that a spreadsheet would calculate."""
    with unit_of_work(store_engine) as session:
        return {
            name: users.create_user(session, desk_id=DESK, name=name, role="agent", now=START).id
            for name in ("Ann", "=1+1")
        }


def test_each_labeller_has_a_column_and_each_item_a_row(store_engine, people) -> None:
    ann, odd = people.values()
    with unit_of_work(store_engine) as session:
        task = add_task(session, name="-Replies")
        first = add_item(
            session, task, 1, state="settled", outcome={"side": "a"}, confidence=0.97, language="en"
        )
        add_label(session, first, ann, "a", dwell_ms=1_500, reasons=["tone"])
        add_undo(session, add_label(session, first, odd, "b"))
        add_label(session, first, odd, "tie", attempt=2)
        second = add_item(session, task, 2, gold={"side": "b"})
        add_label(session, second, "visitor:0e1a", "b", role="visitor")
        add_label(session, second, "app:Ann", "both_bad", role="app")
        add_item(session, task, 3, state="dropped", reason="erased")

    one, two = read_table(store_engine)

    people_columns = list(one)[list(one).index("shown") + 1 :]
    assert people_columns == ["'=1+1", *sorted((f"Ann ({ann})", "Ann (app:Ann)")), "customers"]
    assert {column: one[column] for column in people_columns} == {
        **{"'=1+1": "tie", f"Ann ({ann})": "a", "Ann (app:Ann)": "", "customers": ""}
    }
    assert (two["Ann (app:Ann)"], two["customers"], two["'=1+1"]) == ("both_bad", "b", "")
    told = {
        name: one[name] for name in ("task", "position", "state", "outcome", "confidence", "gold", "language")
    }
    assert told == {
        **{"task": "'-Replies", "position": "1", "state": "settled", "outcome": "a"},
        **{"confidence": "0.97", "gold": "", "language": "en"},
    }
    assert two["gold"] == "b"
    assert json.loads(one["shown"])["a"] == "It is on its way."

    lines = [json.loads(line) for line in export(store_engine, as_cells=False).splitlines()]
    assert [line["position"] for line in lines] == [1, 2]
    said = lines[0]["labels"][f"Ann ({ann})"]
    assert (said["labeller"], said["value"], said["dwell_ms"], said["reasons"]) == (
        *(ann, {"side": "a"}, 1_500, ["tone"]),
    )


def test_every_kind_of_value_has_a_cell(store_engine, people) -> None:
    ann = people["Ann"]
    values = {
        "tag": ({"tags": ["billing/refund", "vip"]}, None, '["billing/refund", "vip"]'),
        "pick": ({"none": True}, None, "[]"),
        "rate": ({"score": 4}, None, "4"),
        "check": ({"verdict": "unsure"}, None, "unsure"),
        "rewrite": ({"unchanged": False}, "=HYPERLINK(1)", "'=HYPERLINK(1)"),
    }
    with unit_of_work(store_engine) as session:
        for kind, (value, text, _cell) in values.items():
            item = add_item(session, add_task(session, kind, name=kind), 1, shown={"reply": "As it was."})
            add_label(session, item, ann, value, text=text)
        kept = add_item(session, add_task(session, "rewrite", name="kept"), 1, shown={"reply": "As it was."})
        add_label(session, kept, ann, {"unchanged": True})

    cells = {row["task"]: row["Ann"] for row in read_table(store_engine)}

    assert cells == {kind: cell for kind, (_value, _text, cell) in values.items()} | {"kept": "As it was."}


def test_tasks_that_compare_arms_leave_once_they_are_closed(store_engine, people) -> None:
    with unit_of_work(store_engine) as session:
        plain, arms = add_task(session), add_task(session)
        add_labelled(session, plain, "aa")
        add_label(session, add_item(session, arms, 1, subject_kind="prompt"), people["Ann"], "a")

    assert {row["task_id"] for row in read_table(store_engine)} == {plain.id}
    with unit_of_work(store_engine) as session:
        session.get_one(Task, arms.id).state = "closed"
    assert {row["task_id"] for row in read_table(store_engine)} == {plain.id, arms.id}


def test_a_desk_without_tasks_gives_a_header_alone(store_engine) -> None:
    assert read_table(store_engine) == []
    assert export(store_engine, as_cells=False) == ""
