"""Rewritten texts are checked by others before they count: what settles, what comes back, who checks."""

import re

import pytest

from feedback.labelling.checking import finish_checks
from feedback.labelling.claim import TERM
from feedback.records.from_label import weigh_item
from feedback.store.engine import read, unit_of_work
from feedback.store.erasures import ErasedSubject, erase_rows
from feedback.store.labelled_items import read_labelled
from feedback.store.records import add_records
from feedback.store.tables import Assignment, Item, Record, Task
from tests.feedback.chain import record
from tests.feedback.labelling.settled import rate_labeller
from tests.feedback.labelling.tasks import ASKED, SHOWN, add_people, add_task, take
from tests.feedback.labelling.test_settling import say_later, stand

GOOD, BAD, UNSURE = ({"verdict": verdict} for verdict in ("good", "bad", "unsure"))
REWRITTEN, UNCHANGED = {"unchanged": False}, {"unchanged": True}
TEXT, OTHER = (
    "It left our house today and is with you by Friday.",
    "Your parcel will be at your door on Friday.",
)


@pytest.fixture
def people(desk):
    add_people(desk, "cy", "dee", "ed")
    add_people(desk, "eva1", "eva2", "eva3", role="expert")
    return desk


def begin(desk, *, items=1, least=1, most=3, **fields):
    return add_task(desk.engine, "rewrite", items=items, overlap_min=least, overlap_max=most, **fields)


def write(desk, task, who, text=TEXT):
    """Somebody writes this for the next item; the answer."""
    return say_later(desk, take(desk, task, who), who, REWRITTEN, text=text)


def find_checks(desk, task):
    return desk.row(Task, checks_task_id=task.id)


def verify(desk, task, said):
    """What these people say of the next text; the answers."""
    return [
        say_later(desk, take(desk, find_checks(desk, task), who), who, value) for who, value in said.items()
    ]


def undo(desk, told, who):
    desk.clock.advance(1)
    return desk.post(f"/v1/labels/{told['label_id']}/undo", who)


def outcome(text):
    return REWRITTEN | {"text": text}


def test_a_text_counts_once_two_others_find_it_correct(people):
    desk = people
    task, (item,) = begin(desk)
    write(desk, task, "ann")
    assert stand(desk, item) == ("waiting", 1, None)
    assert take(desk, task, "ben") is None  # its text is being checked
    checks = find_checks(desk, task)
    assert (checks.kind, checks.state, checks.tier) == ("check", "open", 1)
    assert (checks.overlap_min, checks.overlap_max, checks.confidence) == (2, 3, 0.9)
    assert take(desk, checks, "ann") is None
    item_id = take(desk, checks, "ben")
    told = desk.get(f"/v1/items/{item_id}", "ben").json
    assert told["shown"] == {"messages": ASKED, **SHOWN["rewrite"], "claim": outcome(TEXT)}
    assert desk.users["ann"] not in str(told)
    verify(desk, task, {"ben": GOOD})
    assert stand(desk, item) == ("waiting", 1, None)
    verify(desk, task, {"cy": GOOD})
    assert stand(desk, item) == ("settled", 1, outcome(TEXT))
    assert desk.row(Item, id=item.id).confidence == pytest.approx(0.8**2 / (0.8**2 + 0.2**2))
    record = desk.row(Record, origin_kind="label")
    assert (record.kind, record.settled, record.agent) == ("pair", "own", desk.users["ann"])


def test_a_text_that_two_find_incorrect_comes_back_to_be_written_by_somebody_else(people):
    desk = people
    task, (item,) = begin(desk)
    write(desk, task, "ann")
    verify(desk, task, {"ben": BAD, "cy": BAD})
    assert stand(desk, item) == ("open", 1, None)
    assert take(desk, task, "ann") is None
    write(desk, task, "ben", OTHER)
    checks = find_checks(desk, task)
    assert take(desk, checks, "ben") is None
    assert take(desk, checks, "ann") is not None  # who may check what others write instead
    verify(desk, task, {"ann": GOOD, "cy": GOOD})
    assert stand(desk, item) == ("settled", 1, outcome(OTHER))
    assert desk.row(Record, origin_kind="label").agent == desk.users["ben"]


def test_who_wrote_the_text_that_stands_is_whose_word_weighs(people):
    desk = people
    task, (item,) = begin(desk)
    write(desk, task, "ann")
    verify(desk, task, {"ben": BAD, "cy": BAD})
    write(desk, task, "ben", OTHER)
    verify(desk, task, {"ann": GOOD, "cy": GOOD})
    rate_labeller(desk.engine, desk.users["ann"], 0.6, kind="rewrite")
    rate_labeller(desk.engine, desk.users["ben"], 0.7, kind="rewrite")

    with read(desk.engine) as session:
        (found,) = read_labelled(session, item_ids=[item.id])
    assert weigh_item(found) == pytest.approx((0.7 - 0.5) / (0.9 - 0.5))


def test_taking_back_leaves_everything_as_if_it_had_not_been_said(people):
    desk = people
    task, (item,) = begin(desk)
    written = write(desk, task, "ann")
    _, last = verify(desk, task, {"ben": GOOD, "cy": GOOD})
    assert undo(desk, written, "ann").json["error"]["code"] == "item_settled"
    assert undo(desk, last, "cy").status_code == 201
    assert stand(desk, item) == ("waiting", 1, None)
    assert desk.row(Record, origin_kind="label").rejection == "reopened"
    say_later(desk, take(desk, find_checks(desk, task), "cy"), "cy", GOOD)
    assert stand(desk, item) == ("settled", 1, outcome(TEXT))


def test_a_text_that_is_taken_back_is_checked_no_more(people):
    desk = people
    task, (item,) = begin(desk)
    written = write(desk, task, "ann")
    claimed = take(desk, find_checks(desk, task), "ben")
    assert undo(desk, written, "ann").status_code == 201
    assert stand(desk, item) == ("open", 1, None)
    late = desk.post(f"/v1/items/{claimed}/labels", "ben", value=GOOD)
    assert (late.status_code, late.json["error"]["code"]) == (409, "item_dropped")
    say_later(desk, item.id, "ann", REWRITTEN, text=OTHER)
    verify(desk, task, {"ben": GOOD, "cy": GOOD})
    assert stand(desk, item) == ("settled", 1, outcome(OTHER))


def test_of_two_texts_the_one_that_is_found_correct_first_stands(people):
    desk = people
    task, (item,) = begin(desk, least=2)
    first, second = (write(desk, task, who, text) for who, text in (("ann", TEXT), ("ben", OTHER)))
    checks = {row.subject_id: row.id for row in desk.rows(Item, task_id=find_checks(desk, task).id)}
    ends = []
    for who in ("cy", "dee"):
        desk.clock.advance(TERM.total_seconds() + 1)
        take(desk, find_checks(desk, task), who)
        say_later(desk, checks[first["label_id"]], who, BAD)
        take(desk, find_checks(desk, task), who)
        ends.append(say_later(desk, checks[second["label_id"]], who, GOOD))
    assert stand(desk, item) == ("settled", 1, outcome(OTHER))
    assert undo(desk, ends[1], "dee").status_code == 201
    assert stand(desk, item) == ("waiting", 1, None)


def test_a_check_that_another_text_made_needless_comes_back_with_the_item(people):
    desk = people
    task, (item,) = begin(desk, least=2)
    write(desk, task, "ann")
    write(desk, task, "ben", OTHER)
    _, last = verify(desk, task, {"cy": GOOD, "dee": GOOD})
    assert stand(desk, item) == ("settled", 1, outcome(TEXT))
    checks = find_checks(desk, task)
    states = {
        row.shown["claim"]["text"]: (row.state, row.reason) for row in desk.rows(Item, task_id=checks.id)
    }
    assert states == {TEXT: ("settled", None), OTHER: ("dropped", "text_settled")}
    assert take(desk, checks, "ed") is None
    assert undo(desk, last, "dee").status_code == 201
    assert {row.state for row in desk.rows(Item, task_id=checks.id)} == {"open"}


def test_people_who_leave_the_reply_as_it_is_settle_it_so(people):
    desk = people
    task, (item,) = begin(desk, least=2)
    write(desk, task, "ann")
    say_later(desk, take(desk, task, "ben"), "ben", UNCHANGED)
    assert stand(desk, item) == ("waiting", 1, None)
    verify(desk, task, {"cy": BAD, "dee": BAD})
    assert stand(desk, item) == ("open", 1, None)
    say_later(desk, take(desk, task, "ed"), "ed", UNCHANGED)
    assert stand(desk, item) == ("settled", 1, UNCHANGED)


def test_where_no_text_was_found_correct_experts_decide(people):
    desk = people
    task, (item,) = begin(desk, most=1)
    write(desk, task, "ann")
    verify(desk, task, {"ben": BAD, "cy": BAD})
    assert stand(desk, item) == ("disputed", 2, None)
    told = write(desk, task, "eva1", OTHER)
    assert stand(desk, item) == ("disputed", 2, None)
    verify(desk, task, {"ben": GOOD, "ann": GOOD})
    assert stand(desk, item) == ("settled", 2, outcome(OTHER))
    assert undo(desk, told, "eva1").json["error"]["code"] == "item_settled"


def test_an_expert_who_has_seen_all_settles_a_text_at_once(people):
    desk = people
    task, (item,) = begin(desk, most=1)
    write(desk, task, "ann")
    verify(desk, task, {"ben": BAD, "cy": BAD})
    decided = desk.post(f"/v1/items/{item.id}/adjudication", "eva2", value=REWRITTEN, text=OTHER)
    assert decided.status_code == 201
    assert stand(desk, item) == ("settled", 2, outcome(OTHER))
    assert len(desk.rows(Item, task_id=find_checks(desk, task).id)) == 1
    assert undo(desk, decided.json, "eva2").status_code == 201
    assert stand(desk, item) == ("disputed", 2, None)


def test_nobody_decides_a_dispute_about_their_own_text(people):
    desk = people
    task, (item,) = begin(desk, most=2)
    write(desk, task, "eva1")
    verify(desk, task, {"ben": GOOD, "cy": BAD})
    (check,) = desk.rows(Item, task_id=find_checks(desk, task).id)
    assert check.state == "disputed"  # one against one are 50 %
    path = f"/v1/items/{check.id}/adjudication"
    own = desk.post(path, "eva1", value=GOOD)
    assert (own.status_code, own.json["error"]["code"]) == (409, "own_answer")
    assert desk.post(path, "eva2", value=GOOD).status_code == 201
    assert stand(desk, item) == ("settled", 1, outcome(TEXT))


def test_texts_are_checked_while_their_task_is_open(people):
    desk = people
    task, _ = begin(desk)
    write(desk, task, "ann")
    checks = find_checks(desk, task)
    alone = desk.post(f"/v1/tasks/{checks.id}/state", "eva", state="closed")
    assert (alone.status_code, alone.json["error"]["code"]) == (409, "task_of_rewrites")
    for state in ("paused", "open", "closed"):
        assert desk.post(f"/v1/tasks/{task.id}/state", "eva", state=state).status_code == 200
        assert find_checks(desk, task).state == state
    assert finish_checks(desk.engine, clock=desk.clock) == []


def test_the_task_of_texts_is_neither_finished_nor_told_as_a_check_that_was_drawn(people):
    desk = people
    task, _ = begin(desk, items=2)
    write(desk, task, "ann")
    verify(desk, task, {"ben": GOOD, "cy": GOOD})
    assert finish_checks(desk.engine, clock=desk.clock) == []
    assert find_checks(desk, task).state == "open"
    assert desk.get(f"/v1/tasks/{task.id}/quality", "eva").json["checks"] == []


def test_who_is_left_out_has_neither_written_nor_checked(people):
    desk = people
    task, (item,) = begin(desk)
    write(desk, task, "ann")
    verify(desk, task, {"ben": GOOD, "cy": GOOD})
    leave_out(desk, "cy", "exclude", "check")
    assert stand(desk, item) == ("waiting", 1, None)
    leave_out(desk, "cy", "include", "check")
    assert stand(desk, item) == ("settled", 1, outcome(TEXT))
    leave_out(desk, "ann", "exclude", "rewrite")
    assert stand(desk, item) == ("open", 1, None)
    (check,) = desk.rows(Item, task_id=find_checks(desk, task).id)
    assert (check.state, check.reason) == ("dropped", "text_taken_back")
    leave_out(desk, "ann", "include", "rewrite")
    assert stand(desk, item) == ("settled", 1, outcome(TEXT))


def leave_out(desk, who, did, kind):
    path = f"/v1/labellers/{desk.users[who]}/{did}"
    assert desk.post(path, "eva", reason="Not by the guideline.", kind=kind).status_code == 200


def test_who_wrote_a_text_changes_no_byte_of_what_its_checker_gets(sqlite_desk):
    desk = sqlite_desk
    add_people(desk, "cy")
    told = []
    for writer in ("ann", "ben"):
        task, _ = begin(desk, name="One")
        write(desk, task, writer)
        checks = find_checks(desk, task)
        claimed = desk.post(f"/v1/tasks/{checks.id}/next", "cy")
        shown = desk.get(f"/v1/items/{claimed.json['item_id']}", "cy")
        own = desk.get(f"/v1/tasks/{checks.id}", "cy")
        told.append([hide_ids(answer) for answer in (claimed, shown, own)])
        desk.post(f"/v1/tasks/{task.id}/state", "eva", state="closed")
    assert told[0] == told[1]


def hide_ids(answer):
    """What came, without what differs between any two items: their ids and times."""
    plain = re.sub(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", b"id", answer.data)
    return re.sub(rb'"lease_until":"[^"]+"', b"", plain)


def test_a_check_is_not_drafted_by_hand(desk):
    refused = desk.post("/v1/tasks", "eva", name="Right?", kind="check")
    assert (refused.status_code, refused.json["error"]["code"]) == (422, "check_by_hand")
    assert desk.rows(Task) == []


def test_a_check_of_checks_shows_what_those_were_about(people):
    desk = people
    task, (item,) = add_task(desk.engine, items=1)
    for who in ("ann", "ben"):
        say_later(desk, take(desk, task, who), who, {"side": "a"})
    check = draw(desk, task)
    say_later(desk, take(desk, check, "eva1"), "eva1", GOOD)
    again = draw(desk, check)
    shown = desk.get(f"/v1/items/{take(desk, again, 'eva2')}", "eva2").json["shown"]
    assert shown == item.shown | {"before": [{"side": "a"}], "claim": GOOD}
    say_later(desk, take(desk, again, "eva2"), "eva2", GOOD)
    third = desk.row(Item, task_id=draw(desk, again).id)
    assert third.shown == item.shown | {"before": [{"side": "a"}, GOOD], "claim": GOOD}


def draw(desk, task):
    answer = desk.post(f"/v1/tasks/{task.id}/checks", "eva", audience="expert", n=5)
    return desk.row(Task, id=answer.json["task_id"])


def test_the_texts_of_an_erased_record_are_erased_where_they_are_checked(people):
    desk = people
    task, (item,) = begin(desk)
    with unit_of_work(desk.engine) as session:
        add_records(session, rows=[record("star", "one")])
    row = desk.row(Record)
    with unit_of_work(desk.engine) as session:
        found = session.get_one(Item, item.id)
        found.subject_kind, found.subject_id = "record", str(row.id)
    write(desk, task, "ann")
    checks = find_checks(desk, task)
    desk.put(f"/v1/items/{take(desk, checks, 'ben')}/draft", "ben", value=GOOD)
    spot = draw_text(desk, task)
    with unit_of_work(desk.engine) as session:
        erase_rows(session, subject=ErasedSubject([], [row.id]), now=desk.clock.now())
    assert spot
    for each in desk.rows(Item):
        assert (each.state, each.reason, each.shown) == ("dropped", "erased", {})
    assert all(each.draft is None for each in desk.rows(Assignment))


def draw_text(desk, task):
    """A check of the checks of a task's texts, once two have found the first one correct."""
    verify(desk, task, {"ben": GOOD, "cy": GOOD})
    return draw(desk, find_checks(desk, task))
