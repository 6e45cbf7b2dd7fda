"""Gold that came of a dispute lasts as long as its answer, and what is left out counts nowhere."""

import pytest

from feedback.labelling.checking import finish_checks
from feedback.store.tables import Item
from tests.feedback.labelling.tasks import add_people, add_task, say, take
from tests.feedback.labelling.test_checking import BAD, make_check
from tests.feedback.labelling.test_settling import TIE, A, B, say_next, stand


@pytest.fixture
def agreed(desk):
    """An item on which ann and ben differ and two experts agree, which so is gold for others."""
    add_people(desk, "eva1", "eva2", "eva3", role="expert")
    task, (item,) = add_task(desk.engine, items=1, overlap_max=2, gold_share=0.05)
    for who, value in (("ann", A), ("ben", B), ("eva1", TIE), ("eva2", TIE)):
        say_next(desk, task, who, value)
    assert list_gold(desk) == [(TIE, "open")]
    return task, item


def list_gold(desk):
    return [(row.gold, row.state) for row in desk.rows(Item) if row.gold is not None]


def leave(desk, who, did):
    answer = desk.post(f"/v1/labellers/{desk.users[who]}/{did}", "expert", reason="guesses")
    assert answer.status_code == 200, answer.text


def test_an_answer_that_a_check_found_wrong_is_gold_no_longer(desk, agreed):
    task, item = agreed
    check = make_check(desk, task, n=1)
    say(desk, take(desk, check, "eva3"), "eva3", BAD)
    desk.clock.advance(1)
    finish_checks(desk.engine, clock=desk.clock)
    assert stand(desk, item) == ("disputed", 2, None)
    assert list_gold(desk) == [(TIE, "dropped")]
    desk.clock.advance(1)
    assert desk.post(f"/v1/items/{item.id}/adjudication", "eva3", value=A).status_code == 201
    assert stand(desk, item) == ("settled", 2, A)
    assert list_gold(desk) == [(TIE, "dropped")]


def test_without_the_labels_of_who_was_left_out_nothing_was_disputed(desk, agreed):
    _, item = agreed
    leave(desk, "ann", "exclude")
    assert stand(desk, item) == ("open", 1, None)
    assert list_gold(desk) == [(TIE, "dropped")]
    leave(desk, "ann", "include")
    assert stand(desk, item) == ("settled", 2, TIE)
    assert list_gold(desk) == [(TIE, "open")]


def test_the_decision_of_an_expert_who_was_left_out_is_undecided_again(desk):
    add_people(desk, "eva1", role="expert")
    task, (item,) = add_task(desk.engine, items=1, overlap_max=2)
    for who, value in (("ann", A), ("ben", B)):
        say_next(desk, task, who, value)
    desk.clock.advance(1)
    assert desk.post(f"/v1/items/{item.id}/adjudication", "eva1", value=TIE).status_code == 201
    leave(desk, "eva1", "exclude")
    assert stand(desk, item) == ("disputed", 2, None)
    leave(desk, "eva1", "include")
    assert stand(desk, item) == ("settled", 2, TIE)
