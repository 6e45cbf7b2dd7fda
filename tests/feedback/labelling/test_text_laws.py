"""Whatever is written, checked, left out and taken back in whatever order: texts and checks stand as if what
was taken back had never been said.
"""

from datetime import timedelta
from types import SimpleNamespace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from feedback.errors import ApiError
from feedback.labelling import judging
from feedback.labelling.claim import TERM, claim_next
from feedback.labelling.disputes import adjudicate
from feedback.labelling.labeller import Labeller
from feedback.labelling.labellers import decide_labeller
from feedback.labelling.standing import find_standing
from feedback.labelling.trust import restand_items
from feedback.store.engine import read, unit_of_work
from feedback.store.labels import BLIND, list_active_labels
from feedback.store.tables import Item, Record, Task
from feedback.store.tasks import name_text_checks, share_open_task
from feedback.store.text_checks import find_check_task
from tests.databases import START
from tests.feedback.labelling.tasks import add_task

PEOPLE = [
    Labeller(f"token:{name}", role)
    for name, role in zip("abcdxy", ["agent"] * 4 + ["expert"] * 2, strict=True)
]
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
UNCHANGED = {"unchanged": True}
WRITTEN = {"unchanged": False}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "check", "check", "check", "decide", "undo", "leave out", "wait"]),
        st.integers(0, len(PEOPLE) - 1),
        st.sampled_from([True, True, False]),
    ),
    min_size=8,
    max_size=40,
)


def say(engine, world, act, who, agrees):
    """Writes a text or leaves the reply as it is; checks a text; or decides a dispute. The new label's id."""
    with unit_of_work(engine) as session:
        task = session.get_one(Task, world.task_id)
        if act != "write":
            task = find_check_task(session, task_id=task.id)
        if task is None:
            return None
        value, text = ({"verdict": "good" if agrees else "bad"}, None)
        if act == "write":
            value, text = (WRITTEN, f"Text {world.now}.") if agrees else (UNCHANGED, None)
        how = {"desk_id": "default", "labeller": who, "now": world.now}
        if act == "decide":
            disputed = select(Item.id).where(Item.task_id == task.id, Item.state == "disputed")
            item_id = session.exec(disputed.order_by(Item.position)).first()
            if item_id is None or who.role != "expert":
                return None
            return adjudicate(session, item_id=item_id, value=value, text=text, **how).id
        held = share_open_task(session, desk_id="default", task_id=task.id)
        own = claim_next(session, task=held, labeller=who, now=world.now)
        if own is None:
            return None
        said = judging.SentLabel(value, text=text)
        return judging.record_label(session, item_id=own.item_id, said=said, **how).label.id


def leave_out(engine, world, who, did):
    with unit_of_work(engine) as session:
        decide_labeller(
            session,
            desk_id="default",
            labeller=who.key,
            kind=None,
            did=did,
            actor="eva",
            reason="A reason.",
            now=world.now,
        )
    for kind in ("rewrite", "check"):
        restand_items(
            engine,
            labellers=[who.key],
            kind=kind,
            clock=SimpleNamespace(now=lambda: world.now),
            desk_id="default",
        )


def look(engine, world):
    """Where all items and records stand, after checking what always holds; without checks of texts that
    nobody says any more, which only tell that they were.
    """
    with read(engine) as session:
        found = {}
        of_both = col(Item.task_id).in_([world.task_id, name_text_checks(world.task_id)])
        for item in session.exec(select(Item).where(of_both)):
            task = session.get_one(Task, item.task_id)
            if item.state != "dropped":
                standing = find_standing(session, task=task, item=item)
                assert (item.state, item.tier) == (standing.state, standing.tier)
                assert (item.outcome is not None) == (item.state == "settled")
            said = [
                row.labeller for row in list_active_labels(session, item_ids=[item.id]) if row.seen == BLIND
            ]
            assert len(said) == len(set(said)), "nobody labels an item twice"
            if item.reason != "text_taken_back":
                found[item.id] = item.state, item.reason, item.tier, item.outcome, item.confidence
        for row in session.exec(select(Record).where(col(Record.rejection).is_(None))):
            if row.origin_id in found:
                found[row.origin_id] = found[row.origin_id], row.settled, row.agent
        return found


def undo(engine, world):
    """Takes the newest label back: everything stands as before it."""
    label_id, who, before = world.said.pop()
    with unit_of_work(engine) as session:
        judging.undo_label(session, desk_id="default", label_id=label_id, labeller=who, now=world.now)
    assert look(engine, world) == before


@settings(max_examples=15, deadline=None, suppress_health_check=SLOW)
@given(steps=STEPS, least=st.integers(1, 2))
def test_texts_and_checks_stand_as_if_what_was_taken_back_had_never_been_said(sqlite_engine, steps, least):
    task, _ = add_task(sqlite_engine, "rewrite", items=2, overlap_min=least, overlap_max=3)
    world = SimpleNamespace(now=START, task_id=task.id, said=[])
    first = look(sqlite_engine, world)
    for act, number, agrees in steps:
        world.now += timedelta(seconds=1)
        who, before = PEOPLE[number], look(sqlite_engine, world)
        if act == "wait":
            world.now += TERM
        elif act == "undo" and world.said:
            undo(sqlite_engine, world)
        elif act == "leave out" and any(said[1] == who for said in world.said):
            leave_out(sqlite_engine, world, who, "exclude")
            look(sqlite_engine, world)
            leave_out(sqlite_engine, world, who, "include")
            assert look(sqlite_engine, world) == before
        elif act in ("write", "check", "decide"):
            try:
                label_id = say(sqlite_engine, world, act, who, agrees)
            except ApiError:
                label_id = None
            if label_id is None:
                assert look(sqlite_engine, world) == before
            else:
                world.said.append((label_id, who, before))
    while world.said:
        world.now += timedelta(seconds=1)
        undo(sqlite_engine, world)
    assert look(sqlite_engine, world) == first
