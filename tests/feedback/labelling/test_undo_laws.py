"""Whatever people do in whatever order: an item stands as its labels say, and undo leaves it as it was."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from feedback.errors import ApiError
from feedback.labelling import judging
from feedback.labelling.claim import TERM, claim_next
from feedback.labelling.labeller import Labeller
from feedback.labelling.standing import find_standing
from feedback.store.engine import read, unit_of_work
from feedback.store.labels import list_active_labels
from feedback.store.tables import Assignment, Item, Task
from feedback.store.tasks import share_open_task
from tests.databases import START
from tests.feedback.labelling.tasks import add_task

PEOPLE = [
    Labeller(f"token:{name}", role)
    for name, role in zip("abcdxy", ["agent"] * 4 + ["expert"] * 2, strict=True)
]
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["next", "next", "label", "label", "label", "undo", "pass", "wait"]),
        st.integers(0, len(PEOPLE) - 1),
        st.sampled_from(["a", "a", "b", "tie"]),
    ),
    min_size=5,
    max_size=40,
)


def take_step(engine, task, world, act, who, side):
    """One thing that somebody does; what is not allowed just now is refused and changes nothing."""
    if act == "wait":
        world.now += TERM / 2
        return
    with unit_of_work(engine) as session:
        if act == "next":
            held = share_open_task(session, desk_id="default", task_id=task.id)
            own = claim_next(session, task=held, labeller=who, now=world.now)
            world.held[who.key] = own and own.item_id
        elif act == "undo" and world.said.get(who.key):
            label_id = world.said[who.key][-1]
            judging.undo_label(session, desk_id="default", label_id=label_id, labeller=who, now=world.now)
            world.said[who.key].pop()
        elif act == "pass" and world.held.get(who.key):
            judging.pass_item(session, desk_id="default", item_id=world.held[who.key], labeller=who)
        elif act == "label" and world.held.get(who.key):
            said = judging.SentLabel({"side": side})
            done = judging.record_label(
                session,
                desk_id="default",
                item_id=world.held[who.key],
                labeller=who,
                said=said,
                now=world.now,
            )
            world.said.setdefault(who.key, []).append(done.label.id)


def look(engine, task):
    """Every item's state, after checking what always holds of it."""
    with read(engine) as session:
        row = session.get_one(Task, task.id)
        found = {}
        for item in session.exec(select(Item).where(Item.task_id == task.id)):
            labels = list_active_labels(session, item_ids=[item.id])
            claims = session.exec(select(Assignment).where(Assignment.item_id == item.id)).all()
            assert len([label for label in labels if label.slot is not None]) <= row.overlap_max
            assert len({label.labeller for label in labels}) == len(labels)
            assert {label.labeller for label in labels} == {c.labeller for c in claims if c.state == "done"}
            standing = find_standing(session, task=row, item=item)
            assert (item.state, item.tier) == (standing.state, standing.tier)
            assert (item.outcome is not None) == (item.state == "settled")
            found[item.id] = item.state, item.tier, item.outcome, item.confidence
        return found


@settings(max_examples=12, deadline=None, suppress_health_check=SLOW)
@given(steps=STEPS)
def test_items_stand_as_their_labels_say(sqlite_engine, steps):
    task, _ = add_task(sqlite_engine, items=3, overlap_min=2, overlap_max=3)
    world = SimpleNamespace(now=START, held={}, said={})
    for act, number, side in steps:
        world.now += timedelta(seconds=1)
        before = look(sqlite_engine, task)
        try:
            take_step(sqlite_engine, task, world, act, PEOPLE[number], side)
        except ApiError:
            assert look(sqlite_engine, task) == before
            continue
        if act == "label" and look(sqlite_engine, task) != before:
            take_step(sqlite_engine, task, world, "undo", PEOPLE[number], side)
            assert look(sqlite_engine, task) == before, "undo leaves what was there before the label"
            take_step(sqlite_engine, task, world, "label", PEOPLE[number], side)


@pytest.mark.parametrize("side", ["a", "tie"])
def test_a_label_that_settles_is_taken_back_and_given_again(store_engine, side):
    task, (item,) = add_task(store_engine, items=1)
    world = SimpleNamespace(now=START, held={}, said={})
    for who in PEOPLE[:2]:
        for act in ("next", "label"):
            world.now += timedelta(seconds=1)
            take_step(store_engine, task, world, act, who, side)
    settled = look(store_engine, task)[item.id]
    assert settled[:3] == ("settled", 1, {"side": side})
    take_step(store_engine, task, world, "undo", PEOPLE[1], side)
    assert look(store_engine, task)[item.id] == ("open", 1, None, None)
    with pytest.raises(ApiError, match="taken back already"), unit_of_work(store_engine) as session:
        undone = next(row.undoes for row in session.exec(select(judging.Label)) if row.undoes)
        judging.undo_label(session, desk_id="default", label_id=undone, labeller=PEOPLE[1], now=world.now)
    take_step(store_engine, task, world, "label", PEOPLE[1], side)
    assert look(store_engine, task)[item.id] == settled
    with pytest.raises(judging.ItemSettled):  # the other one has settled it since
        take_step(store_engine, task, world, "undo", PEOPLE[0], side)
    assert look(store_engine, task)[item.id] == settled
