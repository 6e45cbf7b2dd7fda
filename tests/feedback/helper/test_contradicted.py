"""A check draws what the helper contradicts before what it does not, and shows nobody why."""

import pytest
from sqlmodel import select

from feedback.labelling.checking import add_check
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import HelperLabel, Item, Task
from tests.databases import START
from tests.feedback.builders import DESK
from tests.feedback.labelling.settled import put_item, put_task, settle


def test_what_the_helper_contradicts_is_drawn_first(sqlite_engine):
    """Two new labellers who agree are 144 / 147 sure, so 3 / 147 at risk; half as sure is 75 / 147. Of twelve
    such items one has 75 of 108 parts of the risk: 4 (0.3 / 12 + 0.7 x 75 / 108) is above 1, and for the
    others it is 4 (0.3 / 12 + 0.7 x 3 / 108).
    """
    task_id = put_task(sqlite_engine)
    ids = [put_item(sqlite_engine, task_id, position=place, subject=("set", place)) for place in range(1, 13)]
    for item_id in ids:
        settle(sqlite_engine, item_id, {"side": "a"}, slot=1)
    with unit_of_work(sqlite_engine) as session:
        session.add_all([put_said(task_id, item_id, "b" if item_id == ids[4] else "a") for item_id in ids])
    with unit_of_work(sqlite_engine) as session:
        task = session.get_one(Task, task_id)
        check = add_check(session, task=task, audience="expert", count=4, actor="eva", now=START)
    with read(sqlite_engine) as session:
        rows = session.exec(select(Item).where(Item.task_id == check.id)).all()
    drawn = {row.subject_id: row.inclusion for row in rows}
    assert drawn.pop(ids[4]) == 1
    assert list(drawn.values()) == pytest.approx([4 * (0.3 / 12 + 0.7 * 3 / 108)] * len(drawn))
    assert {str(row.shown["claim"]) for row in rows} == {"{'side': 'a'}"}


def put_said(task_id, item_id, side):
    return HelperLabel(
        desk_id=DESK,
        task_id=task_id,
        item_id=item_id,
        asked="host/judge",
        model="judge-1",
        state="said",
        value={"side": side},
        created_at=START,
    )
