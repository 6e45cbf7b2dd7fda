"""What the helper doubts is asked of one more person, who sees it as any other item; within bounds."""

import pytest
from sqlmodel import select

from feedback.helper.recheck import ask_one_more
from feedback.helper.trust import compare_with_people
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import HelperLabel, Item
from tests.databases import START
from tests.feedback.builders import DESK
from tests.feedback.helper.scripted import completion, scripted
from tests.feedback.helper.test_labelling import help_with
from tests.feedback.labelling.tasks import add_task, say, take

A, B = {"side": "a"}, {"side": "b"}


def put_said(engine, task, item_ids, value=B):
    with unit_of_work(engine) as session:
        for item_id in item_ids:
            told = {"asked": "host/judge", "model": "judge-1", "state": "said", "created_at": START}
            row = HelperLabel(desk_id=DESK, task_id=task.id, item_id=item_id, value=value, **told)
            session.add(row)


def look(desk, task):
    return ask_one_more(desk.engine, task_id=task.id, clock=desk.clock, desk_id=DESK)


def measure(desk, task):
    with read(desk.engine) as session:
        return compare_with_people(session, task=task, model="judge-1")[0]


def list_states(engine, task):
    with read(engine) as session:
        rows = session.exec(select(Item).where(Item.task_id == task.id).order_by(Item.position)).all()
        return [row.state for row in rows]


@pytest.fixture
def settled(sqlite_desk):
    """Twelve items: ann and ben say a of the first ten, lee of the eleventh; nobody of the last."""
    task, made = add_task(sqlite_desk.engine, "compare", items=12, confidence=0.5)
    shown = {}
    for _ in range(10):
        for who in ("ann", "ben"):
            item_id = take(sqlite_desk, task, who)
            shown[item_id] = sqlite_desk.get(f"/v1/items/{item_id}", who).json
            say(sqlite_desk, item_id, who, A)
    return sqlite_desk, task, [item.id for item in made], shown


def test_a_tenth_of_what_is_settled_is_asked_of_one_more_person_once(settled):
    """Of ten settled items that is one, of three that are doubted."""
    desk, task, ids, shown = settled
    put_said(desk.engine, task, ids[:3])
    assert look(desk, task) == 0  # nobody else labels here
    say(desk, take(desk, task, "lee"), "lee", A)
    assert look(desk, task) == 1 and look(desk, task) == 0
    assert list_states(desk.engine, task) == ["open"] + ["settled"] * 9 + ["open"] * 2
    assert take(desk, task, "lee") == ids[0]
    seen = desk.get(f"/v1/items/{ids[0]}", "lee").json
    assert {name for name in seen if seen[name] != shown[ids[0]][name]} <= {"lease_until", "order"}
    say(desk, ids[0], "lee", A)
    assert list_states(desk.engine, task)[0] == "settled" and look(desk, task) == 0


def test_what_the_helper_says_too_or_experts_decided_or_has_no_place_stays_settled(settled):
    desk, task, ids, _ = settled
    say(desk, take(desk, task, "lee"), "lee", A)
    put_said(desk.engine, task, ids[:1], A)
    put_said(desk.engine, task, ids[1:2])
    with unit_of_work(desk.engine) as session:
        session.get_one(Item, ids[1]).tier = 2
    assert look(desk, task) == 0
    put_said(desk.engine, task, ids[2:3])
    with unit_of_work(desk.engine) as session:
        session.merge(task).overlap_max = 2
    assert look(desk, task) == 0 and list_states(desk.engine, task)[:10] == ["settled"] * 10


def test_a_doubt_moves_no_figure_of_trust(settled):
    """Else those that people decide its way after all would speak for the helper, and none against it."""
    desk, task, ids, _ = settled
    say(desk, take(desk, task, "lee"), "lee", A)
    put_said(desk.engine, task, ids[:1])
    put_said(desk.engine, task, ids[1:10], A)
    figures = [measure(desk, task)]
    assert look(desk, task) == 1
    figures.append(measure(desk, task))
    with unit_of_work(desk.engine) as session:
        item = session.get_one(Item, ids[0])
        item.state, item.outcome, item.settled_at = "settled", B, desk.clock.now()
    figures.append(measure(desk, task))
    assert figures == [figures[0]] * 3 and (figures[0].items, figures[0].agreed) == (10, 0.9)


def test_settled_items_are_looked_at_after_those_that_wait_and_only_where_it_is_asked_for(settled):
    desk, task, ids, _ = settled
    for uses, said in ((["compare"], ids[10:]), (["compare", "recheck"], ids[10:] + ids[:10])):
        with scripted(lambda _: completion({"side": "tie"})) as address:
            help_with(desk, address, task.id, uses=uses)
        with read(desk.engine) as session:
            rows = session.exec(select(HelperLabel)).all()
            assert {row.item_id for row in rows} == set(said)
