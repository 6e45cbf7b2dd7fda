"""How long a rest of the engine holds: as long as a worker holds the run that asked for it."""

import os
import socket
import subprocess
import sys
from datetime import timedelta

import pytest

from feedback.store import runs
from feedback.store.engine import read, unit_of_work
from feedback.store.rests import OVER, UNKNOWN, find_rest, mark_rest
from feedback.store.tables import Run
from tests.databases import START

LEASE_S = 60.0
DESK = "default"


@pytest.fixture
def run(sqlite_engine) -> Run:
    """A run that a worker on another machine has claimed at START."""
    with unit_of_work(sqlite_engine) as session:
        runs.file_run_request(
            session, desk_id=DESK, kind="night", slot="x", request={}, requested_by="test", now=START
        )
        found = runs.claim_run(session, desk_id=DESK, owner="elsewhere/7/ab", now=START, lease_s=LEASE_S)
        assert found is not None
        return found


def mark(engine, run: Run, seconds: float) -> None:
    with unit_of_work(engine) as session:
        mark_rest(session, run_id=run.id, token=run.fencing_token, now=START, seconds=seconds)


def find(engine, after_s: float = 1.0):
    with read(engine) as session:
        return find_rest(session, desk_id=DESK, now=START + timedelta(seconds=after_s), lease_s=LEASE_S)


def test_a_rest_tells_about_when_it_is_over_and_none_once_that_has_passed(sqlite_engine, run):
    assert find(sqlite_engine) is None  # nobody asked
    mark(sqlite_engine, run, UNKNOWN)
    assert find(sqlite_engine, 0.5).until is None
    mark(sqlite_engine, run, 40)
    assert find(sqlite_engine).until == START + timedelta(seconds=40)
    assert (find(sqlite_engine, 45).run_id, find(sqlite_engine, 45).until) == (run.id, None)
    mark(sqlite_engine, run, OVER)
    assert find(sqlite_engine) is None


def end(state: str):
    return lambda session, run: runs.finish_run(
        session, run_id=run.id, token=run.fencing_token, state=state, now=START
    )


def give_back(session, run):
    runs.give_back(session, run_id=run.id, token=run.fencing_token, now=START)


def cancel(session, run):
    runs.end_cancelled_run(session, desk_id=DESK, run_id=run.id, now=START)


@pytest.mark.parametrize(
    "happens",
    [end("done"), end("failed"), end("skipped"), give_back, cancel],
    ids=["done", "failed", "skipped", "given_back", "cancelled"],
)
def test_no_rest_outlives_its_run(sqlite_engine, run, happens):
    mark(sqlite_engine, run, 3600)
    assert find(sqlite_engine) is not None
    with unit_of_work(sqlite_engine) as session:
        happens(session, run)
    assert find(sqlite_engine) is None


def test_no_rest_outlives_its_worker(sqlite_engine, run):
    mark(sqlite_engine, run, 3600)
    assert find(sqlite_engine, LEASE_S - 1) is not None  # far away: it is given its time
    assert find(sqlite_engine, LEASE_S) is None
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for pid, holds in ((os.getppid(), True), (ended.pid, False)):
        with unit_of_work(sqlite_engine) as session:
            session.get(Run, run.id).lease_owner = f"{socket.gethostname()}/{pid}/ab"
        assert (find(sqlite_engine) is not None) == holds


def test_marks_are_no_numbers_of_the_training(sqlite_engine, run):
    mark(sqlite_engine, run, 40)
    with read(sqlite_engine) as session:
        assert list(runs.list_metrics(session, run_id=run.id)) == []
