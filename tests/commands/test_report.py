"""`rejoinder report` on a real store: what it prints and its exit codes."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from commands.report import describe_reactions
from feedback.reactions.counts import Reactions
from feedback.store.engine import open_engine, unit_of_work
from feedback.store.tables import Run
from tests.commands.conftest import Call
from tests.databases import START
from tests.feedback.builders import DESK
from tests.feedback.run_report.runs import LATER, add_ended_run


@pytest.fixture
def engine(store: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{store / 'rejoinder.db'}")
    yield engine
    engine.dispose()


def test_no_run_yet_is_nothing_to_do(call: Call, store: Path) -> None:
    result = call("report")
    assert result.exit_code == 3 and "No run has ended yet" in result.output


@pytest.mark.parametrize(
    ("outcome", "exit_code", "line"),
    [
        ("published", 0, "adapter    tuned-20261122-1 canary, no counted pick yet"),
        ("never_staged", 0, " done: passed; never staged"),
        ("unpublished", 1, "next       Start one, then `rejoinder promote tuned-20261122-1`."),
        ("refused", 3, "reason     too_long: replies grew against base (2.4, limit 2.0)"),
        (
            "skipped",
            3,
            "now        No new choices have come in since the last training; the base goes on serving.",
        ),
        ("failed", 1, "now        The last run failed: its worker was killed 4 times"),
    ],
)
def test_each_end_has_its_line_and_exit_code(
    call: Call, engine: Engine, outcome: str, exit_code: int, line: str
) -> None:
    run_id = add_ended_run(engine, outcome)
    result = call("report")
    assert result.exit_code == exit_code, result.output
    assert run_id in result.output and line in result.output
    report = json.loads(call("report", run_id, "--json").output)
    assert (report["outcome"], report["exit_code"]) == (outcome, exit_code)


def test_rows_that_were_not_packed_have_a_line(call: Call, engine: Engine) -> None:
    add_ended_run(engine, "published", unpacked="its attention uses softcap")
    line = "rows       one reply a row, which is slower and as right: its attention uses softcap"
    assert line in call("report").output


def test_latest_is_the_last_one_that_ended(call: Call, engine: Engine) -> None:
    add_ended_run(engine, "skipped", started_at=START)
    newest = add_ended_run(engine, "cancelled", started_at=LATER)
    with unit_of_work(engine) as session:
        session.add(Run(desk_id=DESK, kind="manual", slot="q", created_at=LATER + timedelta(days=1)))
    assert json.loads(call("report", "latest", "--json").output)["run"]["id"] == newest


def test_a_run_that_goes_on_and_one_that_is_not_there_fail(call: Call, engine: Engine) -> None:
    with unit_of_work(engine) as session:
        run = Run(desk_id=DESK, kind="manual", slot="q", created_at=LATER)
        session.add(run)
        run_id = run.id
    result = call("report", run_id)
    assert result.exit_code == 1 and "is queued: its report is written when it has ended" in result.output
    result = call("report", "no-such-run")
    assert result.exit_code == 2 and "No run has the id 'no-such-run'" in result.output


def test_what_customers_did_is_told_for_each_arm_in_a_line() -> None:
    row = Reactions("canary", "tuned-1", Counter(thanks=1, asks_person=1)).to_json()
    assert describe_reactions(row).startswith(
        "after 2 replies of canary tuned-1: thanks 1 (9.5% to 90.5%), repeats 0 (0.0% to 65.8%), "
    )
