"""What is left for a labeller is what they get: each item takes one off, whatever it is, down to none."""

from datetime import timedelta

import pytest

from feedback.labelling import judging
from feedback.labelling.claim import claim_next
from feedback.labelling.gold import LONGEST, MOST_PEOPLE
from feedback.labelling.labeller import Labeller
from feedback.labelling.progress import count_progress
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Assignment, Item
from feedback.store.tasks import share_open_task
from tests.databases import START
from tests.feedback.labelling.tasks import add_task, say, take

ANN = Labeller("ann", "agent")
A = {"side": "a"}


def make_gold(engine, items):
    with unit_of_work(engine) as session:
        for each in items:
            session.get_one(Item, each.id).gold = A


def count_left(engine, task, now=START):
    with read(engine) as session:
        return count_progress(session, task=task, labeller=ANN, now=now).left


def claim(engine, task, now=START):
    with unit_of_work(engine) as session:
        held = share_open_task(session, desk_id="default", task_id=task.id)
        return claim_next(session, task=held, labeller=ANN, now=now)


def end(engine, item_id, passes):
    own = {"desk_id": "default", "item_id": item_id, "labeller": ANN}
    with unit_of_work(engine) as session:
        if passes:
            judging.pass_item(session, **own)
        else:
            judging.record_label(session, said=judging.SentLabel(A), now=START, **own)


@pytest.mark.parametrize(
    ("ordinary", "gold", "share", "gets"),
    [
        (6, 0, 0.05, 6),
        (6, 4, 0.0, 6),  # no share, no gold
        # ann's places of gold in task 7: 0, 3, 5; with a share of 0.05 then 20 and 31, with one of 0.5 then
        # 11, 12, 14, 17, 19 and 20.
        (7, 3, 0.05, 10),
        (7, 9, 0.05, 10),  # place 10 wants an eighth of the others
        (12, 2, 0.05, 14),  # all gold that there is
        (12, 12, 0.5, 21),  # place 21 wants a thirteenth
    ],
)
def test_each_item_takes_one_off_until_there_is_none(store_engine, ordinary, gold, share, gets):
    task, items = add_task(store_engine, items=ordinary + gold, gold_share=share)
    make_gold(store_engine, items[:gold])
    left, got = count_left(store_engine, task), 0
    while (own := claim(store_engine, task)) is not None:
        assert count_left(store_engine, task) == left  # what they hold is among it
        end(store_engine, own.item_id, passes=got % 5 == 3)
        got += 1
        assert count_left(store_engine, task) == left - 1
        left -= 1
    assert left == 0 and got == gets


def test_gold_that_fifty_people_or_ninety_days_have_worn_out_is_neither_given_nor_left(store_engine):
    task, items = add_task(store_engine, items=1, gold_share=0.5)
    later = START + LONGEST - timedelta(seconds=1)
    with unit_of_work(store_engine) as session:
        session.get_one(Item, items[0].id).gold = A
        for number in range(MOST_PEOPLE - 1):
            session.add(make_done(task, items[0], number))
    assert count_left(store_engine, task, later) == 1
    assert count_left(store_engine, task, START + LONGEST) == 0
    assert claim(store_engine, task, START + LONGEST) is None
    with unit_of_work(store_engine) as session:
        session.add(make_done(task, items[0], MOST_PEOPLE))
    assert count_left(store_engine, task, later) == 0
    assert claim(store_engine, task, later) is None


def make_done(task, item, number):
    return Assignment(
        desk_id="default",
        task_id=task.id,
        item_id=item.id,
        labeller=f"p{number}",
        state="done",
        created_at=START,
    )


def test_a_task_whose_gold_nobody_gets_any_more_waits_for_nobody(desk):
    """With seven others three gold items come, or a fourth where a hash puts it at place 10; never six."""
    task, items = add_task(desk.engine, items=13, gold_share=0.05)
    make_gold(desk.engine, items[:6])
    waiting = desk.get(f"/v1/tasks/{task.id}", "ann").json["waiting"]
    assert waiting in (10, 11)
    for number in range(waiting):
        told = say(desk, take(desk, task, "ann"), "ann", A)
        assert told["progress"] == {"done": number + 1, "left": waiting - number - 1}
    assert take(desk, task, "ann") is None
    (shown,) = desk.get("/v1/tasks", "ann").json["tasks"]
    assert (shown["waiting"], shown["done"]) == (0, waiting)
