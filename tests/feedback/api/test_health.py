"""Liveness, readiness with reasons, and metrics that tell nothing about models."""

from dataclasses import replace

from sqlalchemy import text

from feedback.store.engine import unit_of_work
from feedback.web.services import EXTENSION
from serving.errors import EngineNotRunning
from tests.feedback.desk import put_set


def use_fleet(desk, fleet_factory) -> None:
    found = desk.app.extensions[EXTENSION]
    desk.app.extensions[EXTENSION] = replace(found, fleet_factory=fleet_factory)


def test_live_and_ready_need_no_token(desk, fake_fleet):
    use_fleet(desk, lambda: fake_fleet)
    assert desk.get("/healthz", None).json == {"live": True}
    answer = desk.get("/readyz", None)
    assert (answer.status_code, answer.json) == (200, {"ready": True, "reasons": []})


def test_without_an_engine_it_lives_and_is_not_ready(sqlite_desk, fake_engine, fake_fleet, tmp_path):
    def no_engine():
        raise EngineNotRunning(tmp_path)

    use_fleet(sqlite_desk, no_engine)
    answer = sqlite_desk.get("/readyz", None)
    assert (answer.status_code, answer.json["reasons"][0]["code"]) == (503, "engine_away")
    use_fleet(sqlite_desk, lambda: fake_fleet)
    fake_engine.mode = "error"
    assert sqlite_desk.get("/readyz", None).json["reasons"][0]["code"] == "engine_away"
    assert sqlite_desk.get("/healthz", None).status_code == 200


def test_an_empty_store_is_a_reason(sqlite_desk):
    with unit_of_work(sqlite_desk.engine) as session:
        session.execute(text("PRAGMA defer_foreign_keys = ON"))
        session.execute(text("ALTER TABLE desk RENAME TO gone"))
    answer = sqlite_desk.get("/readyz", None)
    assert (answer.status_code, answer.json["reasons"][0]["code"]) == (503, "store_not_migrated")


def test_metrics_count_routes_turns_and_runs_and_name_no_model(desk):
    opened = desk.open()
    put_set(desk.engine, opened["turn_id"])
    desk.post("/v1/runs", "admin")
    desk.get("/no/such/page", None)
    answer = desk.get("/metrics", None)
    said = answer.text
    assert answer.content_type.startswith("text/plain")
    assert "rejoinder_turns_waiting 1.0" in said
    assert 'rejoinder_runs{state="queued"} 1.0' in said
    assert 'rejoinder_http_requests_total{method="POST",route="/v1/conversations",status="201"} 1.0' in said
    assert 'route="(none)",status="404"' in said
    assert not any(word in said for word in ("tuned", "base", opened["turn_id"], "no/such"))
