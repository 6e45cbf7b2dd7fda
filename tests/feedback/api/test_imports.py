"""Files that come in pieces: looked at, imported in the background, cancelled, interrupted, undone."""

import gzip
import json

import pytest

from feedback.app import create_app
from feedback.formats import importer
from feedback.imports.uploads import UPLOADS, read_look
from feedback.store.engine import unit_of_work
from feedback.store.sources import hold_source, register_sources
from feedback.store.tables import Import, Record
from feedback.web.services import EXTENSION
from tests.feedback.desk import Desk, make_desk
from tests.feedback.formats.files import choice
from tests.feedback.imports.sending import send_file, send_piece, wait_for_imports

LINES = "\n".join(json.dumps(choice(number)) for number in range(1200)).encode()
FEW = b"\n".join(json.dumps(line).encode() for line in (choice(1), choice(2), choice(3, picked=[9])))


def act(desk, import_id, what):
    answer = desk.post(f"/v1/imports/{import_id}/{what}", "expert")
    wait_for_imports(desk)
    return answer


def show(desk, import_id):
    return desk.get(f"/v1/imports/{import_id}", "expert").json


def count(desk):
    return len(desk.rows(Record))


def test_a_file_in_pieces_is_looked_at_then_imported_then_undone(desk, tmp_path):
    import_id = send_file(desk, FEW, pieces=7, source="tickets")
    assert show(desk, import_id)["state"] == "ready" and count(desk) == 0
    look = read_look(tmp_path, import_id)
    assert (look["lines"], look["accepted"], look["refused"]) == (3, 2, {"picked_out_of_range": 1})
    assert look["parts"][0] | {"name": ""} == {
        "name": "",
        "form": "JSON lines",
        "encoding": "utf-8",
        "format": "our own choices",
        "lines": 3,
    }
    assert [record["source"] for record in look["shown"]] == ["tickets", "tickets"]
    assert act(desk, import_id, "start").status_code == 202
    shown = show(desk, import_id)
    assert (shown["state"], shown["done"], shown["counts"]["accepted"]) == ("done", len(FEW), 2)
    assert {row.import_id for row in desk.rows(Record)} == {import_id}
    assert not (tmp_path / UPLOADS / import_id).exists()
    undone = act(desk, import_id, "undo")
    assert (undone.status_code, undone.json["records"]) == (200, 2)
    assert (show(desk, import_id)["state"], count(desk)) == ("undone", 0)
    assert act(desk, import_id, "undo").json["error"]["code"] == "import_state"


def test_pieces_may_come_twice_and_leave_no_gap(sqlite_desk):
    opened = sqlite_desk.post("/v1/imports", "expert", file="x", size=len(FEW)).json
    import_id = opened["import_id"]
    assert opened["piece_bytes"] == 512 * 1024
    assert send_piece(sqlite_desk, import_id, 0, FEW[:100]).json == {"received": 100, "state": "receiving"}
    assert send_piece(sqlite_desk, import_id, 0, FEW[:100]).json["received"] == 100
    assert send_piece(sqlite_desk, import_id, 200, FEW[200:]).json["error"]["code"] == "upload_gap"
    assert send_piece(sqlite_desk, import_id, 100, FEW[100:] + b"x").json["error"]["code"] == "body_invalid"
    assert send_piece(sqlite_desk, import_id, 50, FEW[50:]).json == {
        "received": len(FEW),
        "state": "received",
    }
    wait_for_imports(sqlite_desk)
    assert act(sqlite_desk, import_id, "start").status_code == 202
    assert count(sqlite_desk) == 2
    assert send_piece(sqlite_desk, import_id, 0, FEW).json["error"]["code"] == "import_state"


@pytest.mark.parametrize(
    ("data", "asked", "error"),
    [
        (b'{"colour": "red"}\n', {}, "nothing_recognised"),
        (b"\x00\x01\x02", {}, "nothing_recognised"),
        (gzip.compress(FEW, mtime=0)[:40], {}, "nothing_recognised"),
        (b"a,b\n1,2\n", {"columns": {"text": "body"}}, "columns_missing"),
    ],
)
def test_a_file_that_is_not_understood_says_why_and_cannot_be_started(
    sqlite_desk, tmp_path, data, asked, error
):
    import_id = send_file(sqlite_desk, data, **asked)
    shown = show(sqlite_desk, import_id)
    assert (shown["state"], shown["error"]) == ("failed", error)
    if b"colour" in data:
        assert read_look(tmp_path, import_id)["fields"] == ["colour"]
    assert act(sqlite_desk, import_id, "start").json["error"]["code"] == "import_state"


def test_a_running_import_that_is_cancelled_takes_back_what_it_added(sqlite_desk, tmp_path, monkeypatch):
    import_id = send_file(sqlite_desk, LINES)
    real, answers = importer.StoreWriter.write, []

    def cancel_after_a_batch(self, parsed, *, now):
        real(self, parsed, now=now)
        answers.append(sqlite_desk.post(f"/v1/imports/{import_id}/cancel", "expert").json["state"])

    monkeypatch.setattr(importer.StoreWriter, "write", cancel_after_a_batch)
    act(sqlite_desk, import_id, "start")
    assert (show(sqlite_desk, import_id)["state"], count(sqlite_desk)) == ("cancelled", 0)
    assert answers == ["cancelling"]
    assert not (tmp_path / UPLOADS / import_id).exists()


def test_an_import_into_a_paused_source_says_so_and_can_be_tried_again(sqlite_desk):
    import_id = send_file(sqlite_desk, FEW, source="tickets")
    with unit_of_work(sqlite_desk.engine) as session:
        register_sources(session, desk_id="default", kinds={"tickets": "user"}, now=sqlite_desk.clock.now())
        hold_source(session, desk_id="default", name="tickets").state = "paused"
    act(sqlite_desk, import_id, "start")
    shown = show(sqlite_desk, import_id)
    assert (shown["state"], shown["error"], count(sqlite_desk)) == ("failed", "source_paused", 0)
    with unit_of_work(sqlite_desk.engine) as session:
        hold_source(session, desk_id="default", name="tickets").state = "active"
    assert act(sqlite_desk, import_id, "start").status_code == 202
    assert (show(sqlite_desk, import_id)["state"], count(sqlite_desk)) == ("done", 2)


def test_an_upload_is_cancelled_before_it_runs(sqlite_desk, tmp_path):
    import_id = send_file(sqlite_desk, FEW)
    assert act(sqlite_desk, import_id, "cancel").json["state"] == "cancelled"
    assert not (tmp_path / UPLOADS / import_id).exists()
    assert act(sqlite_desk, import_id, "start").json["error"]["code"] == "import_state"


def test_an_import_whose_process_ends_is_interrupted_and_can_go_on(sqlite_engine, tmp_path, monkeypatch):
    desk = make_desk(sqlite_engine, tmp_path)
    import_id = send_file(desk, LINES)
    worker = desk.app.extensions[EXTENSION].imports
    real, batches = importer.StoreWriter.write, []

    def end_after_a_batch(self, parsed, *, now):
        real(self, parsed, now=now)
        batches.append(len(parsed))
        worker._jobs.closing.set()

    monkeypatch.setattr(importer.StoreWriter, "write", end_after_a_batch)
    act(desk, import_id, "start")
    worker.close()
    assert (show(desk, import_id)["state"], count(desk), batches) == ("interrupted", 500, [500])

    monkeypatch.undo()
    later = start_again(desk, sqlite_engine)
    assert act(later, import_id, "start").status_code == 202
    assert show(later, import_id)["state"] == "done"
    counts = show(later, import_id)["counts"]
    assert (counts["accepted"], counts["duplicates"], count(later)) == (700, 500, 1200)
    assert act(later, import_id, "undo").json["records"] == 1200  # of both times


def start_again(desk, engine):
    """The web as it starts anew on the same store."""
    settings = desk.app.extensions[EXTENSION].settings
    again = create_app(settings, store_engine=engine, clock=desk.clock)
    again.extensions[EXTENSION].imports.sweep()
    return Desk(again, engine, desk.clock, desk.tokens, desk.users)


def test_what_waits_when_a_process_ends_goes_on_with_the_next_one(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path)
    import_id = send_file(desk, FEW)
    desk.app.extensions[EXTENSION].imports.close()
    desk.post(f"/v1/imports/{import_id}/start", "expert")
    assert show(desk, import_id)["state"] == "waiting"
    later = start_again(desk, sqlite_engine)
    wait_for_imports(later)  # for the look at what waits
    wait_for_imports(later)
    assert (show(later, import_id)["state"], count(later)) == ("done", 2)


def test_a_killed_process_leaves_an_import_that_is_interrupted_two_minutes_later(sqlite_desk):
    import_id = send_file(sqlite_desk, FEW)
    with unit_of_work(sqlite_desk.engine) as session:
        session.get_one(Import, import_id).state = "running"
    assert show(sqlite_desk, import_id)["state"] == "running"
    sqlite_desk.clock.advance(121)
    assert show(sqlite_desk, import_id)["state"] == "interrupted"


def test_an_upload_that_nobody_imports_is_dropped_after_a_day(sqlite_desk, tmp_path):
    old = send_file(sqlite_desk, FEW)
    sqlite_desk.clock.advance(90_000)
    new = send_file(sqlite_desk, FEW)
    assert (show(sqlite_desk, old)["state"], show(sqlite_desk, new)["state"]) == ("cancelled", "ready")
    assert [path.name for path in (tmp_path / UPLOADS).iterdir()] == [new]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"size": 0}, 422, "body_invalid"),
        ({"size": 3_000_000_000}, 413, "upload_too_large"),
        ({"size": 9, "source": "live"}, 422, "source_reserved"),
        ({"size": 9, "encoding": "klingon"}, 422, "encoding_unknown"),
    ],
)
def test_what_cannot_be_uploaded_is_refused_before_it_is_sent(sqlite_desk, body, status, code):
    answer = sqlite_desk.post("/v1/imports", "expert", file="x", **body)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
    assert sqlite_desk.rows(Import) == []


def test_apps_and_agents_upload_nothing(sqlite_desk):
    for role in ("app", "agent"):
        assert sqlite_desk.post("/v1/imports", role, file="x", size=9).status_code == 403
