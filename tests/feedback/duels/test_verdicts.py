"""What judges say of an open duel: once a round each, append-only, taken back by themselves alone."""

import pytest
from sqlmodel import select

from feedback.errors import NotFound
from feedback.store import duels
from feedback.store.duel_verdicts import (
    RoundJudged,
    VerdictNotYours,
    VerdictUndone,
    find_next_round,
    list_active_verdicts,
    record_verdict,
    undo_verdict,
)
from feedback.store.duels import DuelNotOpen, DuelOver, RoundNotReady, close_duel
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import DuelVerdict
from tests.feedback.builders import DESK
from tests.feedback.duels.duel_desk import STARTED, put_duel


def judge(store, duel_id, number, verdict, judge="eva"):
    with unit_of_work(store) as session:
        return record_verdict(
            session,
            desk_id=DESK,
            duel_id=duel_id,
            number=number,
            verdict=verdict,
            judge=judge,
            dwell_ms=None,
            occurred_at=None,
            now=STARTED,
        ).id


def undo(store, verdict_id, judge="eva"):
    with unit_of_work(store) as session:
        return undo_verdict(session, desk_id=DESK, verdict_id=verdict_id, judge=judge, now=STARTED)


def close(store, duel_id):
    with unit_of_work(store) as session:
        return close_duel(session, desk_id=DESK, duel_id=duel_id, actor="eva", now=STARTED)


def active(store, duel_id):
    with read(store) as session:
        return {
            (one.position, one.judge): one.verdict for one in list_active_verdicts(session, duel_id=duel_id)
        }


def next_round(store, duel_id, judge="eva"):
    with read(store) as session:
        return find_next_round(session, duel_id=duel_id, judge=judge)


def test_one_verdict_a_judge_and_round(store_engine, tmp_path):
    duel_id, _ = put_duel(store_engine, tmp_path)
    judge(store_engine, duel_id, 1, "a")
    with pytest.raises(RoundJudged):
        judge(store_engine, duel_id, 1, "b")
    judge(store_engine, duel_id, 1, "b", "ada")
    assert active(store_engine, duel_id) == {(1, "eva"): "a", (1, "ada"): "b"}


def test_undo_is_a_row_of_its_own_and_frees_the_round(store_engine, tmp_path):
    duel_id, _ = put_duel(store_engine, tmp_path)
    first = judge(store_engine, duel_id, 2, "a")
    assert undo(store_engine, first)[1] == 2
    with pytest.raises(VerdictUndone):
        undo(store_engine, first)
    second = judge(store_engine, duel_id, 2, "both_bad")
    assert active(store_engine, duel_id) == {(2, "eva"): "both_bad"}
    with read(store_engine) as session:
        rows = {row.id: row for row in session.exec(select(DuelVerdict))}
    assert len(rows) == 3
    assert (rows[first].verdict, rows[first].attempt) == ("a", 1)
    assert (rows[second].verdict, rows[second].attempt) == ("both_bad", 2)
    (row,) = [row for row in rows.values() if row.undoes]
    assert (row.verdict, row.undoes, row.attempt) == ("undo", first, None)
    with pytest.raises(VerdictUndone):
        undo(store_engine, row.id)


def test_nobody_takes_back_what_another_said(store_engine, tmp_path):
    duel_id, _ = put_duel(store_engine, tmp_path)
    first = judge(store_engine, duel_id, 1, "tie")
    with pytest.raises(VerdictNotYours):
        undo(store_engine, first, "ada")
    assert active(store_engine, duel_id) == {(1, "eva"): "tie"}


def test_each_judge_has_their_own_next_round(store_engine, tmp_path):
    duel_id, _ = put_duel(store_engine, tmp_path, states="rlerr", adapter_on="ababa")
    assert next_round(store_engine, duel_id) == 1
    judge(store_engine, duel_id, 1, "a")
    assert (next_round(store_engine, duel_id), next_round(store_engine, duel_id, "ada")) == (4, 1)
    judge(store_engine, duel_id, 5, "a")
    last = judge(store_engine, duel_id, 4, "a")
    assert next_round(store_engine, duel_id) is None
    undo(store_engine, last)
    assert next_round(store_engine, duel_id) == 4


@pytest.mark.parametrize(("number", "state"), [(2, "left_out"), (3, "equal")])
def test_rounds_without_two_replies_are_not_judged(sqlite_engine, tmp_path, number, state):
    duel_id, _ = put_duel(sqlite_engine, tmp_path, states="rle", adapter_on="aba")
    with pytest.raises(RoundNotReady, match=state):
        judge(sqlite_engine, duel_id, number, "a")
    with pytest.raises(NotFound):
        judge(sqlite_engine, duel_id, 4, "a")


def test_a_closed_duel_stays_as_it_is(store_engine, tmp_path):
    duel_id, _ = put_duel(store_engine, tmp_path)
    said = judge(store_engine, duel_id, 1, "a")
    closed = close(store_engine, duel_id)
    assert (closed.state, closed.closed_by, closed.closed_at) == (duels.CLOSED, "eva", STARTED)
    with pytest.raises(DuelNotOpen):
        judge(store_engine, duel_id, 2, "a")
    with pytest.raises(DuelNotOpen):
        undo(store_engine, said)
    with pytest.raises(DuelOver):
        close(store_engine, duel_id)
