"""What makes labellers reliable is estimated of every kind, whatever became of the items."""

from feedback.labelling.checking import finish_checks
from feedback.labelling.trust import renew_reliabilities
from feedback.store.engine import unit_of_work
from feedback.store.tables import Item, Reliability
from tests.feedback.labelling.tasks import add_people, add_task, say, take
from tests.feedback.labelling.test_checking import BAD, make_check


def test_a_rewritten_text_that_an_expert_decided_is_a_known_answer(desk):
    add_people(desk, "eva1", role="expert")
    task, (item,) = add_task(desk.engine, "rewrite", items=1, overlap_min=1, overlap_max=1)
    say(desk, take(desk, task, "ann"), "ann", {"unchanged": True})
    check = make_check(desk, task, n=1)
    say(desk, take(desk, check, "eva1"), "eva1", BAD)
    finish_checks(desk.engine, clock=desk.clock)
    desk.clock.advance(1)
    decided = {"value": {"unchanged": False}, "text": "It left today."}
    assert desk.post(f"/v1/items/{item.id}/adjudication", "eva1", **decided).status_code == 201
    desk.clock.advance(1)
    assert "rewrite" in renew_reliabilities(desk.engine, clock=desk.clock)
    row = desk.row(Reliability, labeller=desk.users["ann"])
    assert (row.kind, row.gold_correct, row.gold_wrong) == ("rewrite", 0, 1)


def test_an_erased_item_leaves_those_of_the_others_to_be_estimated(desk):
    task, items = add_task(desk.engine, "pick", items=2)
    for _ in items:
        for who in ("ann", "ben"):
            say(desk, take(desk, task, who), who, {"picked": [0]})
    with unit_of_work(desk.engine) as session:
        row = session.get_one(Item, items[0].id)
        row.shown, row.state, row.reason = {}, "dropped", "erased"
    assert renew_reliabilities(desk.engine, clock=desk.clock) == ["pick"]
    assert [row.items for row in desk.rows(Reliability)] == [1, 1]
