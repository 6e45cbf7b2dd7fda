"""Whatever races: no item beyond its overlap, nobody twice on an item, nothing acknowledged lost."""

import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from sqlmodel import select

from feedback.errors import StoreBusy
from feedback.labelling import judging
from feedback.labelling.claim import claim_next
from feedback.labelling.labeller import Labeller
from feedback.store.engine import open_engine, read, unit_of_work
from feedback.store.items import ItemDropped
from feedback.store.tables import Assignment, Item, Label, Task
from feedback.store.tasks import share_open_task
from tests.databases import START
from tests.feedback.labelling.tasks import add_task

THREADS, ITEMS = 8, 200
SIDES = ("a", "b", "tie", "both_bad")


def label_all(engine, task, key):
    """Labels until nothing is left; of every seventh item the label is taken back once. The ids of labels
    that were acknowledged and stand.
    """
    labeller, said = Labeller(key, "agent"), []
    while True:
        try:
            with unit_of_work(engine) as session:
                held = share_open_task(session, desk_id="default", task_id=task.id)
                own = claim_next(session, task=held, labeller=labeller, now=START)
            if own is None:
                return said
            value = {"side": SIDES[len(said) % 4 if int(key[-1]) > 4 else 0]}
            with unit_of_work(engine) as session:
                done = judging.record_label(
                    session,
                    desk_id="default",
                    item_id=own.item_id,
                    labeller=labeller,
                    said=judging.SentLabel(value),
                    now=START,
                )
            if len(said) % 7 == 6 and not any(item == own.item_id for item, _ in said):
                undo(engine, done.label.id, labeller)
            said.append((own.item_id, done.label.id))
        except StoreBusy:
            continue


def undo(engine, label_id, labeller):
    try:
        with unit_of_work(engine) as session:
            judging.undo_label(session, desk_id="default", label_id=label_id, labeller=labeller, now=START)
    except judging.ItemSettled:
        pass


def test_eight_labellers_at_once_never_exceed_the_overlap(store_engine):
    task, _ = add_task(store_engine, items=ITEMS, overlap_min=2, overlap_max=3)
    keys = [f"token:{number}" for number in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        said = list(pool.map(lambda key: label_all(store_engine, task, key), keys))
    # Who was done early found nothing left while the last labels, which may differ, were still to come.
    said += [label_all(store_engine, task, key) for key in keys]
    with read(store_engine) as session:
        labels = session.exec(select(Label)).all()
        claims = session.exec(select(Assignment)).all()
        items = session.exec(select(Item)).all()
    undone = {row.undoes for row in labels}
    standing = [row for row in labels if row.undoes is None and row.id not in undone]
    assert {each for own in said for _, each in own} <= {row.id for row in labels}
    assert max(Counter(row.item_id for row in standing if row.slot).values()) <= 3
    assert max(Counter((row.item_id, row.labeller) for row in standing).values()) == 1
    assert max(Counter((row.item_id, row.labeller) for row in claims).values()) == 1
    assert max(Counter((row.item_id, row.slot) for row in standing if row.slot).values()) == 1
    slots = Counter(row.item_id for row in standing if row.slot)
    for item in items:  # everybody went to the end, so each item has all the labels that it asks for
        assert item.state in ("settled", "disputed") and slots[item.id] >= 2
        assert item.state == "settled" or slots[item.id] == 3


def check_all(engine, checks, parents, key):
    """Says of every text that it is correct, and takes every third such label back once."""
    labeller = Labeller(key, "agent")
    for turn in count():
        try:
            with unit_of_work(engine) as session:
                held = share_open_task(session, desk_id="default", task_id=checks.id)
                own = claim_next(session, task=held, labeller=labeller, now=START)
            if own is None:
                return
            with unit_of_work(engine) as session:
                done = judging.record_label(
                    session,
                    desk_id="default",
                    item_id=own.item_id,
                    labeller=labeller,
                    said=judging.SentLabel({"verdict": "good"}),
                    now=START,
                )
            if turn % 3 == 2 and own.item_id not in parents:
                parents.add(own.item_id)
                undo(engine, done.label.id, labeller)
        except (StoreBusy, ItemDropped):
            continue


def test_texts_of_one_item_that_are_checked_at_once_settle_it_once(store_engine):
    """Two texts for each of ten items: whichever was found correct first, the other's check ends with it."""
    task, items = add_task(store_engine, "rewrite", items=10, overlap_min=2, overlap_max=2)
    for writer in ("token:ann", "token:ben"):
        labeller = Labeller(writer, "agent")
        for item in items:
            said = judging.SentLabel({"unchanged": False}, text=f"{writer} writes of {item.position}.")
            with unit_of_work(store_engine) as session:
                held = share_open_task(session, desk_id="default", task_id=task.id)
                own = claim_next(session, task=held, labeller=labeller, now=START)
                given = {"item_id": own.item_id, "labeller": labeller, "said": said}
                judging.record_label(session, desk_id="default", now=START, **given)
    with read(store_engine) as session:
        checks = session.exec(select(Task).where(Task.checks_task_id == task.id)).one()
    keys = [f"token:{number}" for number in range(6)]
    with ThreadPoolExecutor(len(keys)) as pool:
        list(pool.map(lambda key: check_all(store_engine, checks, set(), key), keys))
    for key in keys:
        check_all(store_engine, checks, set(), key)
    with read(store_engine) as session:
        written = session.exec(select(Item).where(Item.task_id == task.id)).all()
        looked = session.exec(select(Item).where(Item.task_id == checks.id)).all()
    assert {item.state for item in written} == {"settled"} and len(looked) == 20
    done = {item.shown["claim"]["text"] for item in looked if item.state == "settled"}
    assert {item.outcome["text"] for item in written} <= done
    assert {item.state for item in looked} <= {"settled", "dropped"}


WRITER = """
import sys
from pathlib import Path
from feedback.store.engine import open_engine, read
from feedback.store.tables import Task
from sqlmodel import select
from tests.feedback.desk import make_desk
from tests.feedback.labelling.tasks import say, take
engine = open_engine(sys.argv[1])
desk = make_desk(engine, Path(sys.argv[2]))
with read(engine) as session:
    task = session.exec(select(Task)).one()
while (item_id := take(desk, task, "ann")) is not None:
    print(say(desk, item_id, "ann", {"side": "a"})["label_id"], flush=True)
"""


@pytest.mark.parametrize("acknowledged", [9])
def test_no_acknowledged_label_is_lost_by_a_kill(store_engine, tmp_path, acknowledged):
    add_task(store_engine, items=ITEMS)
    url = store_engine.url.render_as_string(hide_password=False)
    seen = []
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, url, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            seen.append(line.strip())
            if len(seen) == acknowledged:
                os.kill(writer.pid, signal.SIGKILL)
    after = open_engine(url)
    with read(after) as session:
        labels = session.exec(select(Label)).all()
        done = session.exec(select(Assignment).where(Assignment.state == "done")).all()
    after.dispose()
    assert len(seen) >= acknowledged and set(seen) <= {row.id for row in labels}
    assert sorted(row.item_id for row in labels) == sorted(row.item_id for row in done), "whole or not at all"
