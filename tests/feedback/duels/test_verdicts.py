"""What people said of an open duel: what stands, and that closing the duel closes its task."""

import pytest

from feedback.store import duels
from feedback.store.duel_verdicts import list_active_verdicts
from feedback.store.duels import DuelOver
from feedback.store.engine import read, unit_of_work
from feedback.store.erasures import ErasedSubject, erase_rows
from feedback.store.tables import Duel, Task
from tests.feedback.duels.duel_desk import STARTED, close, judge, put_duel, take_back


def active(store, duel_id):
    with read(store) as session:
        task_id = session.get_one(Duel, duel_id).task_id
        found = list_active_verdicts(session, task_id=task_id)
    return {(one.position, one.judge): one.verdict for one in found}


def test_what_was_taken_back_or_is_of_an_erased_round_counts_no_more(store_engine, tmp_path):
    duel_id, conversations = put_duel(store_engine, tmp_path)
    first, *_ = [
        judge(store_engine, duel_id, number, side) for number, side in ((1, "a"), (2, "tie"), (3, "b"))
    ]
    judge(store_engine, duel_id, 1, "both_bad", "ada")
    assert active(store_engine, duel_id) == {
        (1, "eva"): "a", (1, "ada"): "both_bad", (2, "eva"): "tie", (3, "eva"): "b",
    }  # fmt: skip
    take_back(store_engine, first)
    with unit_of_work(store_engine) as session:
        erase_rows(session, subject=ErasedSubject([conversations[2]]), now=STARTED)
    assert active(store_engine, duel_id) == {(1, "ada"): "both_bad", (2, "eva"): "tie"}


def test_a_closed_duel_closes_its_task_for_ever(store_engine, tmp_path):
    duel_id, _ = put_duel(store_engine, tmp_path)
    closed = close(store_engine, duel_id)
    assert (closed.state, closed.closed_by, closed.closed_at) == (duels.CLOSED, "eva", STARTED)
    with read(store_engine) as session:
        task = session.get_one(Task, closed.task_id)
    assert (task.state, task.closed_by, task.closed_at) == ("closed", "eva", STARTED)
    with pytest.raises(DuelOver):
        close(store_engine, duel_id)
