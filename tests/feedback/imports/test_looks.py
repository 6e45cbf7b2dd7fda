"""A look at an uploaded file always ends: with what it showed, or with why there is nothing to show."""

import errno
import json
import threading

from feedback.imports import uploads, worker
from feedback.imports.uploads import UPLOADS, read_look, upload_dir, write_look
from feedback.store.tables import Import
from tests.feedback.formats.files import choice
from tests.feedback.imports.sending import send_file, send_piece, wait_for_imports

FEW = b"\n".join(json.dumps(choice(number)).encode() for number in range(3))


def show(desk, import_id):
    return desk.get(f"/v1/imports/{import_id}", "expert").json


def fill_disk(*_args, **_named):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_look_that_is_being_written_is_read_as_a_whole_or_not_at_all(tmp_path):
    upload_dir(tmp_path, "one").mkdir(parents=True)
    look = {"shown": ["text" * 5_000]}
    ended = threading.Event()

    def write_again():
        for _ in range(200):
            write_look(tmp_path, "one", look)
        ended.set()

    writer = threading.Thread(target=write_again)
    writer.start()
    seen = [read_look(tmp_path, "one")]
    while not ended.is_set():
        seen.append(read_look(tmp_path, "one"))
    writer.join()
    assert all(found in ({}, look) for found in seen) and read_look(tmp_path, "one") == look


def test_a_file_that_is_gone_when_it_is_looked_at_says_so(sqlite_desk, tmp_path, monkeypatch):
    def lose_then_try(path, **asked):
        uploads.remove_upload(tmp_path, path.parent.parent.name)
        return real(path, **asked)

    real = worker.try_file
    monkeypatch.setattr(worker, "try_file", lose_then_try)
    import_id = send_file(sqlite_desk, FEW)
    shown = show(sqlite_desk, import_id)
    assert (shown["state"], shown["error"]) == ("failed", "upload_gone")
    assert not upload_dir(tmp_path, import_id).exists()


def test_a_disk_that_is_full_during_a_look_is_named_and_the_file_is_looked_at_again(
    sqlite_desk, tmp_path, monkeypatch
):
    monkeypatch.setattr("serving.files.os.link", fill_disk)
    monkeypatch.setattr("serving.files.Path.replace", fill_disk)
    import_id = send_file(sqlite_desk, FEW)
    shown = show(sqlite_desk, import_id)
    assert (shown["state"], shown["error"]) == ("failed", "store_full")
    page = sqlite_desk.get(f"/console/imports/{import_id}", "expert").text
    assert "The store is full" in page and "Try again" in page
    monkeypatch.undo()
    again = sqlite_desk.post(f"/v1/imports/{import_id}/start", "expert")
    assert (again.status_code, again.json["state"]) == (202, "received")
    wait_for_imports(sqlite_desk)
    assert (show(sqlite_desk, import_id)["state"], read_look(tmp_path, import_id)["accepted"]) == ("ready", 3)


def test_a_look_that_ends_after_its_upload_was_cancelled_leaves_no_texts(sqlite_desk, tmp_path, monkeypatch):
    def cancel_then_write(data_dir, import_id, look):
        assert sqlite_desk.post(f"/v1/imports/{import_id}/cancel", "expert").json["state"] == "cancelled"
        upload_dir(data_dir, import_id).mkdir(parents=True)  # as if the look had found it there just before
        real(data_dir, import_id, look)

    real = worker.write_look
    monkeypatch.setattr(worker, "write_look", cancel_then_write)
    import_id = send_file(sqlite_desk, FEW)
    assert show(sqlite_desk, import_id)["state"] == "cancelled"
    assert list((tmp_path / UPLOADS).iterdir()) == []


def test_a_last_piece_whose_answer_got_lost_may_come_again(sqlite_desk):
    import_id = send_file(sqlite_desk, FEW, pieces=2)
    half = -(-len(FEW) // 2)
    again = send_piece(sqlite_desk, import_id, half, FEW[half:])
    assert (again.status_code, again.json) == (200, {"received": len(FEW), "state": "ready"})
    assert len(sqlite_desk.rows(Import)) == 1


def test_a_full_disk_refuses_a_piece_and_keeps_those_before(sqlite_desk, monkeypatch):
    opened = sqlite_desk.post("/v1/imports", "expert", file="x", size=len(FEW)).json
    import_id = opened["import_id"]
    assert send_piece(sqlite_desk, import_id, 0, FEW[:50]).json["received"] == 50
    with monkeypatch.context() as full:
        full.setattr("serving.files.os.fsync", fill_disk)
        refused = send_piece(sqlite_desk, import_id, 50, FEW[50:])
        assert refused.json["error"]["code"] == "store_full" and refused.status_code == 503
    assert send_piece(sqlite_desk, import_id, 50, FEW[50:]).json["received"] == len(FEW)
    wait_for_imports(sqlite_desk)
    assert show(sqlite_desk, import_id)["state"] == "ready"
