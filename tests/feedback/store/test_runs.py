"""Runs: one per slot, one at a time, fenced leases; a worker that was taken over may write nothing more."""

import itertools
from datetime import timedelta

import pytest

from feedback.errors import IllegalRunState, NotFound, StaleLease
from feedback.store import runs
from feedback.store.engine import unit_of_work
from feedback.store.runs import MAX_CLAIMS, Metric
from tests.feedback.builders import DESK, NOW

LEASE_S = 60


@pytest.fixture
def session(store_engine):
    with unit_of_work(store_engine) as session:
        yield session


asked = itertools.count()  # the queue goes by time: no two requests at the same one


def ask(session, slot="2026-11-22", kind="night"):
    now = NOW + timedelta(microseconds=next(asked))
    run, _ = runs.file_run_request(
        session, desk_id=DESK, kind=kind, slot=slot, request={}, requested_by="scheduler", now=now
    )
    return run


def claim(session, owner="worker-1", after_s=0):
    now = NOW + timedelta(seconds=after_s)
    return runs.claim_run(session, desk_id=DESK, owner=owner, now=now, lease_s=LEASE_S)


def test_one_slot_is_one_run(session):
    first = ask(session)
    again, is_new = runs.file_run_request(
        session,
        desk_id=DESK,
        kind="night",
        slot="2026-11-22",
        request={"x": 1},
        requested_by="other",
        now=NOW,
    )
    assert (again.id, is_new, again.request) == (first.id, False, {})
    assert ask(session, kind="manual").id != first.id


def test_the_oldest_queued_run_is_claimed_and_one_runs_at_a_time(session):
    ask(session, "a")
    ask(session, "b").created_at = NOW - timedelta(hours=1)
    session.flush()
    claimed = claim(session)
    assert (claimed.slot, claimed.state, claimed.fencing_token, claimed.lease_owner) == (
        "b",
        "running",
        1,
        "worker-1",
    )
    assert claimed.lease_until == NOW + timedelta(seconds=LEASE_S)
    assert claim(session, "worker-2") is None


def test_nothing_queued_gives_nothing(session):
    assert claim(session) is None


def test_a_silent_worker_is_taken_over_at_its_step_and_can_write_no_more(session):
    run = ask(session)
    old = claim(session).fencing_token
    runs.advance(session, run_id=run.id, token=old, step="train", progress=0.4)
    assert claim(session, "worker-2", after_s=LEASE_S - 1) is None
    taken = claim(session, "worker-2", after_s=LEASE_S)
    assert (taken.id, taken.fencing_token, taken.step, taken.lease_owner) == (
        run.id,
        old + 1,
        "train",
        "worker-2",
    )
    later = NOW + timedelta(seconds=LEASE_S)
    writes = [
        lambda: runs.advance(session, run_id=run.id, token=old, progress=0.5),
        lambda: runs.give_back(session, run_id=run.id, token=old, now=later),
        lambda: runs.renew_lease(session, run_id=run.id, token=old, now=later, lease_s=LEASE_S),
        lambda: runs.finish_run(session, run_id=run.id, token=old, state="done", now=later),
        lambda: runs.add_metrics(
            session, run_id=run.id, token=old, metrics=[Metric("loss", 1, 0.7)], now=later
        ),
        lambda: runs.drop_metrics_from(session, run_id=run.id, token=old, step=0),
    ]
    for write in writes:
        with pytest.raises(StaleLease, match="fencing token 2; this worker holds fencing token 1"):
            write()


def test_renewal_keeps_others_out(session):
    run = ask(session)
    token = claim(session).fencing_token
    runs.renew_lease(session, run_id=run.id, token=token, now=NOW + timedelta(seconds=50), lease_s=LEASE_S)
    assert claim(session, "worker-2", after_s=LEASE_S + 1) is None
    assert claim(session, "worker-2", after_s=50 + LEASE_S).fencing_token == token + 1


def test_a_run_that_kills_its_workers_fails_and_lets_the_next_one_in(session):
    deadly, waiting = ask(session, "a"), ask(session, "b")
    for number in range(MAX_CLAIMS):
        assert claim(session, after_s=number * LEASE_S).id == deadly.id
    after = claim(session, after_s=MAX_CLAIMS * LEASE_S)
    assert after.id == waiting.id
    session.refresh(deadly)
    assert (deadly.state, deadly.error) == (
        "failed",
        "its worker died 4 times, last at step None: see the run's log",
    )


def test_a_run_given_back_by_stopped_workers_is_claimed_however_often(session):
    run = ask(session)
    for number in range(3 * MAX_CLAIMS):
        claimed = claim(session, after_s=number)
        assert (claimed.id, claimed.fencing_token) == (run.id, number + 1)
        runs.give_back(
            session, run_id=run.id, token=claimed.fencing_token, now=NOW + timedelta(seconds=number)
        )
    for number in range(MAX_CLAIMS):
        assert claim(session, after_s=100 + number * LEASE_S).id == run.id
    assert claim(session, after_s=100 + MAX_CLAIMS * LEASE_S) is None
    session.refresh(run)
    assert (run.state, run.error[:24]) == ("failed", "its worker died 4 times,")


def test_a_new_step_starts_at_zero_and_what_is_not_given_stays(session):
    run = ask(session)
    token = claim(session).fencing_token
    runs.advance(session, run_id=run.id, token=token, step="train", progress=0.8, adapter="tuned-20261122-1")
    runs.advance(session, run_id=run.id, token=token, step="evaluate")
    assert (run.step, run.progress, run.adapter) == ("evaluate", 0.0, "tuned-20261122-1")


@pytest.mark.parametrize("state", ["done", "failed", "skipped", "cancelled"])
def test_an_ended_run_holds_no_lease_and_takes_no_write(session, state):
    run = ask(session)
    token = claim(session).fencing_token
    reasons = [{"code": "too_little_data", "text": "12 new choices, 50 needed", "value": 12, "limit": 50}]
    runs.finish_run(session, run_id=run.id, token=token, state=state, now=NOW, reasons=reasons)
    assert (run.state, run.finished_at, run.lease_owner, run.lease_until) == (state, NOW, None, None)
    assert run.reasons == reasons
    assert claim(session) is None
    with pytest.raises(StaleLease):
        runs.advance(session, run_id=run.id, token=token, progress=0.5)
    with pytest.raises(IllegalRunState, match=f"is {state} and cannot become cancelled"):
        runs.end_cancelled_run(session, desk_id=DESK, run_id=run.id, now=NOW)


def test_cancelling_takes_a_running_run_from_its_worker(session):
    run = ask(session)
    token = claim(session).fencing_token
    assert runs.end_cancelled_run(session, desk_id=DESK, run_id=run.id, now=NOW).state == "cancelled"
    with pytest.raises(StaleLease):
        runs.renew_lease(session, run_id=run.id, token=token, now=NOW, lease_s=LEASE_S)


def test_cancelling_a_queued_run_ends_it(session):
    run = ask(session)
    runs.end_cancelled_run(session, desk_id=DESK, run_id=run.id, now=NOW)
    assert claim(session) is None


def test_metrics_come_back_in_order_and_after_an_id(session):
    run = ask(session)
    token = claim(session).fencing_token
    numbers = [Metric("loss", step, 1 / step) for step in (1, 2, 4)]
    runs.add_metrics(session, run_id=run.id, token=token, metrics=numbers, now=NOW)
    rows = runs.list_metrics(session, run_id=run.id, name="loss")
    assert [(row.step, row.value) for row in rows] == [(1, 1.0), (2, 0.5), (4, 0.25)]
    assert [row.step for row in runs.list_metrics(session, run_id=run.id, after_id=rows[1].id)] == [4]


def test_a_resumed_training_forgets_the_steps_it_repeats(session):
    run = ask(session)
    token = claim(session).fencing_token
    runs.add_metrics(
        session,
        run_id=run.id,
        token=token,
        metrics=[Metric("loss", step, 0.7) for step in (1, 2, 3)],
        now=NOW,
    )
    runs.drop_metrics_from(session, run_id=run.id, token=token, step=2)
    session.flush()
    assert [row.step for row in runs.list_metrics(session, run_id=run.id)] == [1]


def test_unknown_runs_and_other_desks_are_not_found(session):
    run = ask(session)
    with pytest.raises(NotFound, match="There is no run 'nope' here"):
        runs.get_run(session, desk_id=DESK, run_id="nope")
    with pytest.raises(NotFound):
        runs.get_run(session, desk_id="elsewhere", run_id=run.id)


def test_the_latest_run_of_a_kind_or_state(session):
    ask(session, "a").created_at = NOW - timedelta(hours=1)
    session.flush()
    newest = ask(session, "b")
    assert runs.latest_run(session, desk_id=DESK).id == newest.id
    assert runs.latest_run(session, desk_id=DESK, kind="manual") is None
    assert runs.count_by_state(session, desk_id=DESK) == {"queued": 2}
