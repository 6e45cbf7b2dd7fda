"""The task that checks texts beside its task of rewrites, which it follows. Nobody checks themselves."""

import pytest

from feedback.store.engine import unit_of_work
from feedback.store.erasures import ErasedSubject
from feedback.store.imports import remove_added
from feedback.store.records import add_records
from feedback.store.tables import Item, Record, Task
from tests.feedback.chain import record
from tests.feedback.labelling.tasks import add_people, take
from tests.feedback.labelling.test_settling import say_later, stand
from tests.feedback.labelling.test_text_checks import (
    BAD,
    GOOD,
    OTHER,
    REWRITTEN,
    TEXT,
    begin,
    draw,
    find_checks,
    leave_out,
    outcome,
    undo,
    verify,
    write,
)


@pytest.fixture
def people(desk):
    add_people(desk, "cy", "dee", "ed")
    add_people(desk, "eva1", "eva2", "eva3", role="expert")
    return desk


def test_a_text_that_counts_only_later_is_checked_behind_the_others_of_its_item(people):
    desk = people
    task, (item, _) = begin(desk, items=2)
    write(desk, task, "ann")
    verify(desk, task, {"cy": BAD, "dee": BAD})
    take(desk, task, "ben")
    leave_out(desk, "ben", "exclude", "rewrite")
    write(desk, task, "ben", OTHER)
    write(desk, task, "ed", f"{OTHER} Sorry!")
    leave_out(desk, "ben", "include", "rewrite")
    rows = desk.rows(Item, task_id=find_checks(desk, task).id)
    checks = {row.shown["claim"]["text"]: row.position for row in rows}
    assert checks == {TEXT: 10_001, f"{OTHER} Sorry!": 10_002, OTHER: 10_003}
    assert stand(desk, item) == ("waiting", 1, None)


def test_texts_that_come_to_count_while_their_task_is_paused_are_not_checked_before_it_goes_on(people):
    desk = people
    task, _ = begin(desk, items=2)
    say_later(desk, take(desk, task, "ann"), "ann", {"unchanged": True})
    take(desk, task, "ben")
    leave_out(desk, "ben", "exclude", "rewrite")
    write(desk, task, "ben")
    assert desk.rows(Task, checks_task_id=task.id) == []
    desk.post(f"/v1/tasks/{task.id}/state", "eva", state="paused")
    leave_out(desk, "ben", "include", "rewrite")
    assert find_checks(desk, task).state == "paused"


def test_the_task_of_texts_takes_the_guideline_of_its_task_of_rewrites_and_none_of_its_own(people):
    desk = people
    task, _ = begin(desk, guideline="Be kind.")
    write(desk, task, "ann")
    changed = desk.post(f"/v1/tasks/{task.id}/guideline", "eva", guideline="Be brief.")
    assert changed.json["guideline_version"] == 2
    checks = find_checks(desk, task)
    assert (checks.guideline, checks.guideline_version) == ("Be brief.", 2)
    alone = desk.post(f"/v1/tasks/{checks.id}/guideline", "eva", guideline="Be strict.")
    assert (alone.status_code, alone.json["error"]["code"]) == (409, "task_of_rewrites")


def test_a_text_that_came_late_can_be_taken_back_whatever_others_found_of_the_first(people):
    desk = people
    task, (item,) = begin(desk, least=2)
    write(desk, task, "ann")
    take(desk, task, "ben")
    verify(desk, task, {"cy": GOOD, "dee": GOOD})
    late = say_later(desk, item.id, "ben", REWRITTEN, text=OTHER)
    assert late["late"]
    assert undo(desk, late, "ben").status_code == 201
    assert stand(desk, item) == ("settled", 1, outcome(TEXT))


def test_nobody_checks_what_others_said_of_their_own_text(people):
    desk = people
    task, _ = begin(desk)
    write(desk, task, "eva1")
    verify(desk, task, {"ben": GOOD, "cy": GOOD})
    spot = draw(desk, find_checks(desk, task))
    assert take(desk, spot, "eva1") is None
    assert take(desk, spot, "eva2") is not None


def test_a_writer_who_is_left_out_and_taken_in_again_leaves_every_check_as_it_was(people):
    desk = people
    task, (item,) = begin(desk)
    write(desk, task, "ann")
    verify(desk, task, {"ben": BAD, "cy": BAD})
    write(desk, task, "ed", OTHER)
    verify(desk, task, {"dee": GOOD, "ben": GOOD})
    before = tell_checks(desk, task)
    assert sorted(before.values()) == [("settled", None, "bad"), ("settled", None, "good")]
    leave_out(desk, "ann", "exclude", "rewrite")
    assert sorted(tell_checks(desk, task).values())[0][:2] == ("dropped", "text_taken_back")
    leave_out(desk, "ann", "include", "rewrite")
    assert tell_checks(desk, task) == before
    assert stand(desk, item) == ("settled", 1, outcome(OTHER))


def tell_checks(desk, task):
    rows = desk.rows(Item, task_id=find_checks(desk, task).id)
    return {row.id: (row.state, row.reason, (row.outcome or {}).get("verdict")) for row in rows}


def test_undoing_an_import_takes_the_texts_of_its_records_out_of_their_checks(people):
    desk = people
    task, (item,) = begin(desk)
    with unit_of_work(desk.engine) as session:
        add_records(session, rows=[record("star", "one")])
    row = desk.row(Record)
    with unit_of_work(desk.engine) as session:
        found = session.get_one(Item, item.id)
        found.subject_kind, found.subject_id = "record", str(row.id)
    write(desk, task, "ann")
    verify(desk, task, {"ben": GOOD, "cy": GOOD})
    draw(desk, find_checks(desk, task))
    assert desk.row(Record, origin_kind="label").rejection is None
    with unit_of_work(desk.engine) as session:
        remove_added(session, added=ErasedSubject([], [row.id]))
    assert [(each.state, each.reason) for each in desk.rows(Item)] == [("dropped", "import_undone")] * 3
    assert desk.row(Record, origin_kind="label").rejection == "import_undone"
