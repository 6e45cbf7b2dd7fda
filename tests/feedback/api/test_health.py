"""Liveness, readiness with reasons, and metrics that tell nothing about models."""

import sqlite3
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, text

from feedback.errors import StoreFull
from feedback.store import probe
from feedback.store.engine import open_engine, unit_of_work
from feedback.store.tables import Desk
from feedback.web.services import EXTENSION
from serving.adapters.manifest import Manifest, write_manifest
from serving.client.endpoint import SecondEngine, write_second_engine
from serving.errors import EngineNotRunning, EngineResting
from tests.feedback.desk import make_desk, put_set


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


def test_a_hung_engine_is_a_reason_although_it_says_that_it_is_well(sqlite_desk, fake_fleet, tmp_path):
    use_fleet(sqlite_desk, lambda: fake_fleet)
    (tmp_path / "engine.hung").touch()
    answer = sqlite_desk.get("/readyz", None)
    assert (answer.status_code, answer.json["reasons"][0]["code"]) == (503, "engine_hung")
    assert "gives no replies" in sqlite_desk.get("/console", "expert").text


@pytest.mark.parametrize(
    ("until", "told", "today"),
    [
        (datetime(2026, 11, 22, 3, 40, tzinfo=UTC), "trains until about 03:40 UTC", "about 22 Nov 03:40 UTC"),
        (None, "while a run trains: agents write by hand", "and nothing is lost"),
    ],
    ids=["time_known", "time_unknown"],
)
def test_an_engine_that_rests_is_a_reason_that_says_until_when(sqlite_desk, tmp_path, until, told, today):
    def rest():
        raise EngineResting(until, is_gone=True)

    use_fleet(sqlite_desk, rest)
    (tmp_path / "engine.hung").touch()  # of before: nobody asks it for a token now
    answer = sqlite_desk.get("/readyz", None)
    (reason,) = answer.json["reasons"]
    assert (answer.status_code, reason["code"]) == (503, "engine_rests")
    assert told in reason["message"] and reason.get("until") == (until and until.isoformat())
    assert today in sqlite_desk.get("/console", "expert").text


def test_base_standing_in_for_a_version_is_a_reason_that_names_none(sqlite_desk, fake_fleet, tmp_path):
    use_fleet(sqlite_desk, lambda: fake_fleet)
    manifest = Manifest(3, "tuned-20261122-1", None, 0.0, sqlite_desk.clock.now(), ("tuned-20261122-1",))
    write_manifest(tmp_path, manifest)
    answer = sqlite_desk.get("/readyz", None)
    assert (answer.status_code, answer.json["ready"]) == (200, True)
    assert [reason["code"] for reason in answer.json["reasons"]] == ["base_stands_in"]
    assert "tuned" not in answer.text
    assert "the base stands in" in sqlite_desk.get("/console", "expert").text
    write_manifest(tmp_path, replace(manifest, missing=()))
    assert sqlite_desk.get("/readyz", None).json["reasons"] == []


def test_a_locked_store_is_said_without_the_patience_of_a_writer(sqlite_desk, monkeypatch):
    monkeypatch.setattr(probe, "PATIENCE_MS", 50)
    asked, usual = [], f"PRAGMA busy_timeout = {probe.LOCK_TIMEOUT_MS}"
    event.listen(sqlite_desk.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    locker = sqlite3.connect(sqlite_desk.engine.url.database, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    answer = sqlite_desk.get("/readyz", None)
    locker.execute("ROLLBACK")
    locker.close()
    assert (answer.status_code, answer.json["reasons"][0]["code"]) == (503, "store_busy")
    assert "PRAGMA busy_timeout = 50" in asked and asked[-1] == usual
    assert sqlite_desk.get("/readyz", None).status_code == 200


@pytest.fixture
def locking(postgres_engine):
    """`with locking("ACCESS EXCLUSIVE"): ...` as somebody else, who holds the messages."""

    @contextmanager
    def lock(mode):
        other = open_engine(postgres_engine.url.render_as_string(hide_password=False))
        try:
            with other.connect() as connection, connection.begin():
                connection.execute(text(f"LOCK TABLE message IN {mode} MODE"))
                yield
        finally:
            other.dispose()

    return lock


@pytest.mark.real
@pytest.mark.parametrize("mode", ["SHARE", "ACCESS EXCLUSIVE"])
def test_a_locked_table_of_postgresql_is_said_within_the_patience_of_a_probe(
    postgres_engine, tmp_path, monkeypatch, locking, mode
):
    """SHARE is what building an index takes; writes wait for it, reads do not."""
    desk, asked = make_desk(postgres_engine, tmp_path), []
    event.listen(desk.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with locking(mode), monkeypatch.context() as impatience:
        impatience.setattr(probe, "PATIENCE_MS", 50)
        answer = desk.get("/readyz", None)
    assert (answer.status_code, answer.json["reasons"][0]["code"]) == (503, "store_busy")
    assert asked[0] == "SET LOCAL statement_timeout = 50"
    assert desk.get("/readyz", None).json["reasons"] == []


@pytest.mark.real
def test_the_console_says_so_and_waits_no_longer_for_what_it_cannot_read(postgres_engine, tmp_path, locking):
    desk, asked = make_desk(postgres_engine, tmp_path), []
    event.listen(desk.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with locking("SHARE"):
        page = desk.get("/console", "expert")
    assert page.status_code == 200 and "The store is busy" in page.text
    with locking("ACCESS EXCLUSIVE"):
        page = desk.get("/console", "expert")
    assert page.status_code == 503 and "The store is busy" in page.text
    set_by = [statement for statement in asked if "timeout" in statement]
    assert set_by == ["SET LOCAL statement_timeout = 1000", "SET LOCAL statement_timeout = 100"] * 2


@pytest.mark.parametrize("store", ["sqlite_engine", pytest.param("postgres_engine", marks=pytest.mark.real)])
def test_a_store_without_a_free_connection_is_said(request, tmp_path, store):
    prepared = request.getfixturevalue(store)
    engine = open_engine(prepared.url.render_as_string(hide_password=False), connections=8)
    desk = make_desk(engine, tmp_path)
    assert engine.pool.timeout() == 1
    with ExitStack() as taken:
        for _ in range(8):
            taken.enter_context(engine.connect())
        answer = desk.get("/readyz", None)
        page = desk.get("/console", "expert")
    assert (answer.status_code, answer.json["reasons"][0]["code"]) == (503, "store_busy")
    assert page.status_code == 503 and "no free connection" in page.text
    assert desk.get("/readyz", None).json["reasons"] == []
    engine.dispose()


def test_a_full_store_is_said_although_reading_works(sqlite_desk, monkeypatch):
    def find_no_room():
        with unit_of_work(sqlite_desk.engine) as session:
            session.connection().exec_driver_sql("PRAGMA max_page_count = 1")
            session.connection().exec_driver_sql("CREATE TABLE more AS SELECT randomblob(1000000) AS x")

    with pytest.raises(StoreFull):
        find_no_room()
    answer = sqlite_desk.get("/readyz", None)
    assert (answer.status_code, answer.json["reasons"][0]["code"]) == (503, "store_full")
    sqlite_desk.engine.dispose()  # max_page_count is the connection's
    sqlite_desk.open()
    assert sqlite_desk.get("/readyz", None).status_code == 200


def test_looking_at_the_store_leaves_nothing_in_it(desk):
    before = desk.rows(Desk)
    assert desk.get("/readyz", None).status_code == 200
    assert desk.rows(Desk) == before


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


def test_a_second_engine_that_does_not_serve_is_a_reason_that_names_no_checkpoint(
    sqlite_desk, fake_fleet, fake_engine, tmp_path
):
    use_fleet(sqlite_desk, lambda: fake_fleet)
    name = "tuned-20261122-1"
    for found, codes in (
        (SecondEngine(name), ["second_engine_starts"]),
        (SecondEngine(name, fault=f"no memory for {name}"), ["second_engine_failed"]),
        (SecondEngine(name, fake_engine.endpoint), []),
    ):
        write_second_engine(tmp_path, found)
        answer = sqlite_desk.get("/readyz", None)
        assert (answer.status_code, answer.json["ready"]) == (200, True)
        assert [reason["code"] for reason in answer.json["reasons"]] == codes
        assert "tuned" not in answer.text
        words = "second engine" in sqlite_desk.get("/console", "expert").text
        assert words == bool(codes)
