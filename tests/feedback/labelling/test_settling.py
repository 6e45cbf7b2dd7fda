"""What labels come to through the service: settled, disputed, decided by experts; gold, pauses."""

import pytest

from feedback.labelling.gold import LONGEST, takes_gold
from feedback.labelling.standing import list_counted_labels
from feedback.labelling.trust import renew_reliabilities
from feedback.store.engine import read, unit_of_work
from feedback.store.reliabilities import read_trusted_until
from feedback.store.tables import Assignment, Item, Label, Reliability, Task
from tests.feedback.labelling.tasks import add_people, add_task, say, take

A, B, TIE, BOTH_BAD = ({"side": side} for side in ("a", "b", "tie", "both_bad"))


def say_next(desk, task, who, value=A):
    item_id = take(desk, task, who)
    say_later(desk, item_id, who, value)
    return item_id


def say_later(desk, item_id, who, value, **more):
    """A second after what was said before: labels of one time have no order."""
    desk.clock.advance(1)
    return say(desk, item_id, who, value, **more)


def stand(desk, item):
    row = desk.row(Item, id=item.id)
    return row.state, row.tier, row.outcome


@pytest.fixture
def people(desk):
    add_people(desk, "cy", "dee", "ed")
    add_people(desk, "eva1", "eva2", "eva3", role="expert")
    return desk


def test_two_who_agree_settle_an_item_and_taking_back_opens_it(people):
    desk = people
    task, (item,) = add_task(desk.engine, items=1)
    say_next(desk, task, "ann", A)
    assert stand(desk, item) == ("open", 1, None)
    told = say_later(desk, take(desk, task, "ben"), "ben", A)
    assert stand(desk, item) == ("settled", 1, A)
    row = desk.row(Item, id=item.id)
    # 0.8 against 0.2 / 3 twice: 144 of 147.
    assert row.confidence == pytest.approx(144 / 147) and row.settled_at is not None
    assert desk.post(f"/v1/labels/{told['label_id']}/undo", "ben").status_code == 201
    row = desk.row(Item, id=item.id)
    assert (row.state, row.outcome, row.confidence, row.settled_at) == ("open", None, None, None)
    say(desk, take(desk, task, "ben"), "ben", B)
    assert take(desk, task, "cy") == item.id


def test_a_dispute_goes_to_two_experts_and_then_to_one_who_sees_both(people):
    desk = people
    task, (item,) = add_task(desk.engine, items=1, overlap_max=3)
    for who, value in (("ann", A), ("ben", B), ("cy", TIE)):
        say_next(desk, task, who, value)
    assert stand(desk, item) == ("disputed", 2, None)
    assert take(desk, task, "dee") is None
    for who, value in (("eva1", A), ("eva2", BOTH_BAD)):
        assert take(desk, task, who) == item.id
        assert desk.get(f"/v1/items/{item.id}", who).json["others"] is None
        say_later(desk, item.id, who, value)
    assert take(desk, task, "eva3") == item.id
    assert desk.get(f"/v1/items/{item.id}", "eva3").json["others"] == [A, BOTH_BAD]
    told = say_later(desk, item.id, "eva3", TIE)
    assert stand(desk, item) == ("settled", 2, TIE)
    assert desk.row(Item, id=item.id).settled_by == desk.users["eva3"]
    assert [row.seen for row in desk.rows(Label)].count("others") == 1
    assert desk.post(f"/v1/labels/{told['label_id']}/undo", "eva3").status_code == 201
    assert stand(desk, item) == ("disputed", 2, None)


def test_two_experts_who_agree_settle_a_dispute(people):
    desk = people
    task, (item,) = add_task(desk.engine, items=1, overlap_max=2)
    say_next(desk, task, "ann", A)
    say_next(desk, task, "ben", B)
    say_next(desk, task, "eva1", BOTH_BAD)
    say_next(desk, task, "eva2", BOTH_BAD)
    assert stand(desk, item) == ("settled", 2, BOTH_BAD)
    assert desk.row(Item, id=item.id).settled_by is None


def test_what_two_experts_said_apart_becomes_gold_for_others(people):
    desk = people
    task, (item,) = add_task(desk.engine, items=1, overlap_max=2, gold_share=0.05)
    for who, value in (("ann", A), ("ben", B), ("eva1", TIE)):
        say_next(desk, task, who, value)
    assert len(desk.rows(Item)) == 1
    item_id = take(desk, task, "eva2")
    told = say_later(desk, item_id, "eva2", TIE)
    (gold,) = [row for row in desk.rows(Item) if row.gold is not None]
    assert (gold.gold, gold.shown, gold.subject_id, gold.state) == (TIE, item.shown, item.id, "open")
    assert [take(desk, task, who) for who in ("ann", "ben", "eva1")] == [None, None, None]
    got = {take(desk, task, "cy")} - {None}
    assert got <= {gold.id}
    assert desk.post(f"/v1/labels/{told['label_id']}/undo", "eva2").status_code == 201
    assert desk.row(Item, id=gold.id).state == "dropped"
    say_later(desk, item.id, "eva2", A)
    assert [row.state for row in desk.rows(Item) if row.gold is not None] == ["dropped"]


def test_who_cannot_tell_takes_a_place_and_speaks_for_nothing(people):
    desk = people
    task, (item,) = add_task(desk.engine, "check", items=1)
    say_next(desk, task, "ann", {"verdict": "good"})
    say_next(desk, task, "ben", {"verdict": "unsure"})
    assert stand(desk, item)[0] == "open"
    say_next(desk, task, "cy", {"verdict": "good"})
    assert stand(desk, item) == ("settled", 1, {"verdict": "good"})


def make_gold(desk, items, value=A):
    with unit_of_work(desk.engine) as session:
        for item in items:
            session.get_one(Item, item.id).gold = value
    return {item.id for item in items}


def test_three_of_the_first_ten_items_are_gold_which_looks_like_any_other(people):
    desk = people
    task, items = add_task(desk.engine, items=20, gold_share=0.05)
    gold = make_gold(desk, items[:5])
    got = []
    for _ in range(10):
        got.append(take(desk, task, "ann"))
        shown = desk.get(f"/v1/items/{got[-1]}", "ann").json
        assert "gold" not in str(shown)
        say(desk, got[-1], "ann", A)
    places = [
        given for given in range(10) if takes_gold(given, share=0.05, seed="7", labeller=desk.users["ann"])
    ]
    assert [place for place, item_id in enumerate(got) if item_id in gold] == places
    assert {row.slot for row in desk.rows(Label) if row.item_id in gold} == {None}
    assert {desk.row(Item, id=item_id).state for item_id in gold} == {"open"}


def test_old_gold_is_given_to_nobody(people):
    desk = people
    task, items = add_task(desk.engine, items=12, gold_share=0.05)
    gold = make_gold(desk, items[:3])
    desk.clock.advance(LONGEST.total_seconds())
    assert not gold & {say_next(desk, task, "ann") for _ in range(9)}


def keep_label(desk, item, who, value, slot=None):
    """A label as the service leaves it."""
    desk.clock.advance(1)
    now = desk.clock.now()
    with unit_of_work(desk.engine) as session:
        fields = {
            "desk_id": "default",
            "task_id": item.task_id,
            "item_id": item.id,
            "labeller": desk.users[who],
        }
        session.add(Assignment(**fields, slot=slot, state="done", created_at=now))
        more = {"role": "agent", "guideline_version": 1, "occurred_at": now, "created_at": now, "attempt": 1}
        session.add(Label(**fields, **more, slot=slot, value=value))


def find_reliability(desk, who):
    return next((row for row in desk.rows(Reliability) if row.labeller == desk.users[who]), None)


def renew(desk):
    desk.clock.advance(1)
    return renew_reliabilities(desk.engine, clock=desk.clock)


@pytest.fixture
def errs(people):
    """Ann has labelled one item as ben did, which is settled, and then nine gold ones wrongly."""
    desk = people
    _, (shared,) = add_task(desk.engine, items=1)
    for who in ("ann", "ben"):
        assert say_next(desk, desk.row(Task), who) == shared.id
    task, items = add_task(desk.engine, items=10)
    make_gold(desk, items)
    for item in items[:9]:
        keep_label(desk, item, "ann", B)
    desk.clock.advance(1)
    with unit_of_work(desk.engine) as session:
        claim = {
            "desk_id": "default",
            "task_id": task.id,
            "item_id": items[9].id,
            "labeller": desk.users["ann"],
        }
        session.add(Assignment(**claim, created_at=desk.clock.now()))
    return shared, task, items[9]


def test_who_is_proven_to_err_pauses_and_what_they_said_waits(people, errs):
    desk, (shared, task, last) = people, errs
    assert find_reliability(desk, "ann") is None
    say_later(desk, last.id, "ann", B)  # the eleventh label in this kind, and gold
    row = find_reliability(desk, "ann")
    # The shared item is worth less than one certain case: 0 of 10, and some of it.
    assert row.paused_at is not None and row.paused_by is None and row.gold_wrong == 10
    assert row.accuracy == pytest.approx(5 / 16, abs=0.05)
    refused = desk.post(f"/v1/tasks/{task.id}/next", "ann")
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "labeller_paused")
    assert stand(desk, shared) == ("settled", 1, A)
    assert renew(desk) == ["compare"]
    assert stand(desk, shared) == ("open", 1, None)
    assert len(desk.rows(Label)) == 12
    with unit_of_work(desk.engine) as session:
        kept = session.get_one(Reliability, row.id)
        kept.paused_at, kept.paused_by, kept.pause_reason, kept.resumed_at = (
            None,
            None,
            None,
            desk.clock.now(),
        )
    assert renew(desk) == ["compare"]
    row = find_reliability(desk, "ann")
    assert row.paused_at is None
    # Ben is trusted as at first, ann's word tells hardly more than chance: two of one mind settle nothing.
    assert stand(desk, shared)[0] == "open"


def test_what_was_said_until_the_last_passed_gold_counts_on(people, errs):
    desk, (shared, _, last) = people, errs
    _, (passed,) = add_task(desk.engine, items=1)
    make_gold(desk, [passed])
    keep_label(desk, passed, "ann", A)
    passed_at = desk.clock.now()
    say_later(desk, last.id, "ann", B)
    assert find_reliability(desk, "ann").paused_at is not None
    with read(desk.engine) as session:
        trusted = read_trusted_until(
            session, desk_id="default", kind="compare", labellers=[desk.users["ann"]]
        )
        item = session.get_one(Item, shared.id)
        counted = list_counted_labels(session, task=session.get_one(Task, item.task_id), item=item)
    assert trusted == {desk.users["ann"]: passed_at}
    assert [row.labeller for row in counted] == [desk.users["ann"], desk.users["ben"]]


def test_reliability_is_renewed_where_labels_came_in_and_only_there(people):
    desk = people
    _, items = add_task(desk.engine, items=4)
    assert renew(desk) == []
    for item in items:
        for slot, (who, value) in enumerate((("ann", A), ("ben", A), ("cy", B)), 1):
            keep_label(desk, item, who, value, slot)
    assert renew(desk) == ["compare"]
    assert renew(desk) == []
    found = {who: find_reliability(desk, who) for who in ("ann", "ben", "cy")}
    assert found["ann"].accuracy == pytest.approx(found["ben"].accuracy) and found["cy"].accuracy < 0.5
    assert all(row.low < row.accuracy < row.high and row.items == 4 for row in found.values())
    keep_label(desk, add_task(desk.engine, "rate", items=1)[1][0], "ann", {"score": 3})
    assert renew(desk) == ["rate"]


def test_an_expert_who_takes_a_decision_back_has_still_said_what_they_said_before(people):
    desk = people
    task, (item,) = add_task(desk.engine, items=1, overlap_max=2)
    for who, value in (("ann", A), ("ben", B)):
        say_next(desk, task, who, value)
    say_next(desk, task, "eva1", A)
    desk.clock.advance(1)
    decided = desk.post(f"/v1/items/{item.id}/adjudication", "eva1", value=B)
    assert stand(desk, item) == ("settled", 2, B)
    assert desk.post(f"/v1/labels/{decided.json['label_id']}/undo", "eva1").status_code == 201
    assert stand(desk, item) == ("disputed", 2, None)
    again = desk.post(f"/v1/items/{item.id}/labels", "eva1", value=A)
    assert (again.status_code, again.json["error"]["code"]) == (409, "item_labelled")
    assert take(desk, task, "eva1") is None
