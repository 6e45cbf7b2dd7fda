"""Who comes late to an item: what they may still get, see and take back."""

import pytest

from feedback.labelling.checking import finish_checks
from feedback.labelling.claim import TERM
from feedback.store.tables import Label
from tests.feedback.labelling.tasks import add_people, add_task, say, take
from tests.feedback.labelling.test_checking import BAD, make_check
from tests.feedback.labelling.test_settling import BOTH_BAD, TIE, A, B, say_later, say_next, stand


@pytest.fixture
def held(desk):
    """An item that dee has lost, and that ann and ben have now."""
    add_people(desk, "dee")
    add_people(desk, "eva1", "eva2", "eva3", role="expert")
    task, (item,) = add_task(desk.engine, items=1)
    take(desk, task, "dee")
    desk.clock.advance(TERM.total_seconds() + 1)
    assert take(desk, task, "ann") == take(desk, task, "ben") == item.id
    return task, item


def test_a_claim_on_what_experts_decide_by_now_shows_and_gives_nothing(desk, held):
    task, item = held
    for who in ("dee", "ann"):
        assert say_later(desk, item.id, who, A)["late"] is False
    assert stand(desk, item) == ("settled", 1, A)
    check = make_check(desk, task, n=1)
    say(desk, take(desk, check, "eva3"), "eva3", BAD)
    desk.clock.advance(1)
    finish_checks(desk.engine, clock=desk.clock)
    for who, value in (("eva1", A), ("eva2", B)):
        desk.clock.advance(1)
        say_next(desk, task, who, value)
    assert desk.get(f"/v1/items/{item.id}", "ben").json["others"] is None
    assert take(desk, task, "ben") is None
    assert take(desk, task, "eva3") == item.id
    assert desk.get(f"/v1/items/{item.id}", "eva3").json["others"] == [A, B]


def test_a_late_label_settles_nothing_and_so_keeps_nobody_from_taking_back(desk, held):
    _, item = held
    told = [say_later(desk, item.id, who, A) for who in ("ann", "ben", "dee")]
    assert [each["late"] for each in told] == [False, False, True]
    first = desk.post(f"/v1/labels/{told[0]['label_id']}/undo", "ann")
    assert (first.status_code, first.json["error"]["code"]) == (409, "item_settled")
    assert desk.post(f"/v1/labels/{told[1]['label_id']}/undo", "ben").status_code == 201
    assert stand(desk, item) == ("open", 1, None)
    assert desk.post(f"/v1/labels/{told[2]['label_id']}/undo", "dee").status_code == 201
    assert say_later(desk, item.id, "ben", A)["late"] is False
    assert stand(desk, item) == ("settled", 1, A)


def test_who_lost_a_dispute_before_others_spoke_has_labelled_it_blind(desk):
    add_people(desk, "eva1", "eva2", "eva3", "eva4", "eva5", role="expert")
    task, (item,) = add_task(desk.engine, items=1, overlap_max=2)
    for who, value in (("ann", A), ("ben", B)):
        say_next(desk, task, who, value)
    assert take(desk, task, "eva1") == item.id
    desk.clock.advance(TERM.total_seconds() + 1)
    for who, value in (("eva2", A), ("eva3", B)):
        assert take(desk, task, who) == item.id
        say_later(desk, item.id, who, value)
    assert take(desk, task, "eva4") == item.id
    desk.clock.advance(TERM.total_seconds() + 1)
    assert take(desk, task, "eva5") == item.id
    assert desk.get(f"/v1/items/{item.id}", "eva1").json["others"] is None
    say_later(desk, item.id, "eva1", BOTH_BAD)
    assert seen(desk, "eva1") == "blind"
    assert stand(desk, item) == ("disputed", 2, None)
    say_later(desk, item.id, "eva4", TIE)  # who had read what eva2 and eva3 said
    assert seen(desk, "eva4") == "others"
    assert stand(desk, item) == ("settled", 2, TIE)


def seen(desk, who):
    (label,) = desk.rows(Label, labeller=desk.users[who])
    return label.seen
