"""Calls about runs: an admin asks, the row is what the worker claims, experts read how far it is."""

from uuid import uuid4

import pytest

from feedback.store import runs
from feedback.store.engine import unit_of_work
from feedback.store.tables import Run
from tests.feedback.builders import DESK, add_dataset


def test_asking_for_a_run_queues_one_row_per_event(desk):
    event_id = str(uuid4())
    first = desk.post("/v1/runs", "admin", event_id=event_id, recipe="demo")
    again = desk.post("/v1/runs", "admin", event_id=event_id, recipe="demo")
    assert (first.status_code, first.json["state"]) == (202, "queued")
    assert first.json == again.json
    row = desk.row(Run)
    assert (row.kind, row.request, row.requested_by) == ("manual", {"recipe": "demo"}, "ada")
    assert desk.post("/v1/runs", "admin", event_id=event_id).json["error"]["code"] == "event_conflict"


def test_a_run_is_shown_with_all_that_came_of_it(sqlite_desk):
    desk = sqlite_desk
    run_id = desk.post("/v1/runs", "admin").json["run_id"]
    with unit_of_work(desk.engine) as session:
        dataset_id = add_dataset(session).id
        now = desk.clock.now()
        token = runs.claim_run(session, desk_id=DESK, owner="w", now=now, lease_s=60).fencing_token
        runs.advance(
            session,
            run_id=run_id,
            token=token,
            step="gate",
            progress=0.5,
            dataset_id=dataset_id,
            adapter="tuned-20261122-1",
            report={"n": 40},
            decision="refused",
        )
    shown = desk.get(f"/v1/runs/{run_id}", "expert").json
    assert (shown["state"], shown["step"], shown["progress"]) == ("running", "gate", 0.5)
    assert (shown["dataset"], shown["adapter"], shown["decision"]) == (
        dataset_id,
        "tuned-20261122-1",
        "refused",
    )
    assert (shown["report"], shown["reasons"], shown["error"]) == ({"n": 40}, [], None)
    assert desk.get("/v1/runs?limit=1", "expert").json["runs"] == [shown]


@pytest.mark.parametrize("recipe", ["../../etc/passwd", "/etc/passwd", "demo.yaml", "", 3])
def test_a_recipe_is_a_name_and_never_a_path(sqlite_desk, recipe):
    answer = sqlite_desk.post("/v1/runs", "admin", recipe=recipe)
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "body_invalid")
    assert sqlite_desk.rows(Run) == []


@pytest.mark.parametrize("role", ["agent", "expert", "app"])
def test_only_an_admin_asks_for_a_run(sqlite_desk, role):
    assert sqlite_desk.post("/v1/runs", role).status_code == 403


def test_unknown_runs_and_agents_see_nothing(sqlite_desk):
    answer = sqlite_desk.get(f"/v1/runs/{uuid4()}", "expert")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "run_not_found")
    assert sqlite_desk.get("/v1/runs", "agent").status_code == 403
