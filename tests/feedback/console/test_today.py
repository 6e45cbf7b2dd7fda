"""Today: what serves, and how the last run ended, as they are."""

import re

from feedback.store.deployments import add_deployment
from feedback.store.engine import unit_of_work
from tests.databases import START
from tests.feedback.builders import DESK, add_adapter
from tests.feedback.run_report.runs import ADAPTER, add_ended_run

OLD = "tuned-20261101-1"
MARK = re.compile(r'<span class="mark ([a-z]*)">(done|refused|passed)</span>')


def test_the_base_alone_is_told_from_a_beginning(sqlite_desk):
    assert "no adapter has been published yet" in sqlite_desk.get("/console", "expert").text
    with unit_of_work(sqlite_desk.engine) as session:
        add_adapter(session, OLD, "rolled_back")
        for name in (OLD, None):
            add_deployment(
                session, desk_id=DESK, role="live", adapter=name, actor="ada", reason="x", now=START
            )
    page = sqlite_desk.get("/console", "expert").text
    assert "The base alone." in page and "no adapter has been published yet" not in page
    assert f"ada rolled {OLD} back; the base serves now." in page


def test_a_refused_night_is_nowhere_green(sqlite_desk):
    run_id = add_ended_run(sqlite_desk.engine, "refused")
    for path in ("", "/runs", f"/runs/{run_id}", f"/runs/{run_id}/report"):
        page = sqlite_desk.get(f"/console{path}", "expert").text
        assert MARK.findall(page)[:2] == [("", "done"), ("bad", "refused")], path


def test_a_night_that_brought_an_adapter_is_green(sqlite_desk):
    add_ended_run(sqlite_desk.engine, "published")
    assert MARK.findall(sqlite_desk.get("/console/runs", "expert").text) == [
        ("good", "done"),
        ("good", "passed"),
    ]
    page = sqlite_desk.get("/console", "expert").text
    assert f"{ADAPTER} has begun as canary for 25 % of conversations" in page


def test_a_night_whose_adapter_no_engine_took_is_not_green(sqlite_desk):
    add_ended_run(sqlite_desk.engine, "unpublished")
    assert ("", "done") in MARK.findall(sqlite_desk.get("/console/runs", "expert").text)
