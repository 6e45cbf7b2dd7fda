"""Checks through the service: what they draw, who may check, and what follows once all of it was."""

import pytest
from sqlmodel import select

from feedback.labelling.checking import finish_checks
from feedback.store.engine import unit_of_work
from feedback.store.tables import Item, Label, Task
from tests.feedback.labelling.tasks import add_people, add_task, say, take

GOOD, BAD, UNSURE = ({"verdict": verdict} for verdict in ("good", "bad", "unsure"))
A = {"side": "a"}


@pytest.fixture
def settled(desk):
    """Twelve items that ann and ben have settled."""
    add_people(desk, "cy", "dee")
    add_people(desk, "eva1", "eva2", role="expert")
    task, items = add_task(desk.engine, items=12)
    for _ in items:
        for who in ("ann", "ben"):
            say(desk, take(desk, task, who), who, A)
    return task, items


def make_check(desk, task, audience="expert", n=12):
    answer = desk.post(f"/v1/tasks/{task.id}/checks", "expert", audience=audience, n=n)
    assert answer.status_code == 201, answer.text
    assert answer.json["state"] == "open"
    return desk.row(Task, id=answer.json["task_id"])


def check_all(desk, check, who, verdict_of):
    while (item_id := take(desk, check, who)) is not None:
        say(desk, item_id, who, verdict_of(desk.row(Item, id=item_id).subject_id))


def test_a_check_shows_an_item_with_what_it_came_to(desk, settled):
    task, items = settled
    check = make_check(desk, task)
    assert (check.kind, check.tier, check.checks_task_id, check.overlap_max) == ("check", 2, task.id, 1)
    drawn = desk.rows(Item, task_id=check.id)
    assert {item.subject_id for item in drawn} <= {item.id for item in items}
    # All are equally sure, so each is certain to be among as many as there are.
    assert len(drawn) == 12 and {item.inclusion for item in drawn} == {1.0}
    assert sorted(item.position for item in drawn) == list(range(1, 13))
    item_id = take(desk, check, "eva1")
    shown = desk.get(f"/v1/items/{item_id}", "eva1").json["shown"]
    assert shown == items[0].shown | {"claim": A}
    refused = desk.post(f"/v1/tasks/{check.id}/next", "cy")
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "not_your_tier")


def test_nobody_checks_across_what_they_have_labelled(desk, settled):
    check = make_check(desk, settled[0], "crossed")
    assert desk.post(f"/v1/tasks/{check.id}/next", "ann").json == {"item_id": None, "done": 0, "left": 0}
    assert take(desk, check, "cy") is not None


def test_a_task_without_settled_items_cannot_be_checked(desk):
    task, _ = add_task(desk.engine)
    refused = desk.post(f"/v1/tasks/{task.id}/checks", "expert", audience="expert", n=5)
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "nothing_settled")
    assert desk.post(f"/v1/tasks/{task.id}/checks", "expert", audience="all", n=5).status_code == 422


def test_a_clean_check_closes_and_opens_nothing(desk, settled):
    task, _ = settled
    check = make_check(desk, task)
    with unit_of_work(desk.engine) as session:
        session.get_one(Task, check.id).error_limit = 0.25  # 0 of 12: at most 24 %
    assert finish_checks(desk.engine, clock=desk.clock) == []
    check_all(desk, check, "eva1", lambda _: GOOD)
    assert finish_checks(desk.engine, clock=desk.clock) == [check.id]
    assert desk.row(Task, id=check.id).state == "closed"
    assert finish_checks(desk.engine, clock=desk.clock) == []
    assert {item.state for item in desk.rows(Item, task_id=task.id)} == {"settled"}


def test_a_wrong_item_goes_to_experts_whose_labels_from_then_on_decide(desk, settled):
    task, items = settled
    wrong = items[4].id
    check = make_check(desk, task)
    check_all(desk, check, "eva1", lambda item_id: BAD if item_id == wrong else GOOD)
    desk.clock.advance(1)
    finish_checks(desk.engine, clock=desk.clock)
    states = {item.id: (item.state, item.tier) for item in desk.rows(Item, task_id=task.id)}
    assert states == {item.id: ("disputed", 2) if item.id == wrong else ("settled", 1) for item in items}
    desk.clock.advance(1)
    for who in ("eva1", "eva2"):
        assert take(desk, task, who) == wrong
        say(desk, wrong, who, {"side": "tie"})
    row = desk.row(Item, id=wrong)
    assert (row.state, row.outcome) == ("settled", {"side": "tie"})
    assert len(desk.rows(Label, item_id=wrong)) == 4


def test_too_many_errors_open_all_that_was_less_sure(desk, settled):
    task, items = settled
    check = make_check(desk, task)
    with unit_of_work(desk.engine) as session:
        for number in (0, 1):
            session.get_one(Item, items[number].id).confidence = 0.92
            session.get_one(Item, items[number].id).tier = 2  # as experts left them, so not weighed again
        unseen = select(Item).where(Item.task_id == check.id, Item.subject_id == items[1].id)
        session.delete(session.exec(unseen).one())
    check_all(desk, check, "eva1", lambda item_id: BAD if item_id == items[5].id else GOOD)
    finish_checks(desk.engine, clock=desk.clock)
    opened = {item.id for item in desk.rows(Item, task_id=task.id) if item.state == "disputed"}
    assert opened == {items[1].id, items[5].id}


def test_nothing_is_opened_again_in_a_closed_task(desk, settled):
    task, _ = settled
    check = make_check(desk, task)
    assert desk.post(f"/v1/tasks/{task.id}/state", "expert", state="closed").status_code == 200
    check_all(desk, check, "eva1", lambda _: BAD)
    assert finish_checks(desk.engine, clock=desk.clock) == [check.id]
    assert {item.state for item in desk.rows(Item, task_id=task.id)} == {"settled"}


def test_who_cannot_tell_leaves_it_to_two_experts(desk, settled):
    check = make_check(desk, settled[0], "crossed", n=1)
    check_all(desk, check, "cy", lambda _: UNSURE)
    assert {item.state for item in desk.rows(Item, task_id=check.id)} == {"disputed"}
    assert finish_checks(desk.engine, clock=desk.clock) == []
