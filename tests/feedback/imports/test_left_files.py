"""Texts of customers on the disk: what nobody imports, and what a killed process has left, goes by itself."""

import errno
import json
import os
from datetime import timedelta

from feedback.imports import push
from feedback.imports.uploads import UPLOADS, upload_dir
from feedback.store.engine import unit_of_work
from feedback.store.tables import Import
from feedback.web.services import EXTENSION
from tests.feedback.formats.files import choice
from tests.feedback.imports.sending import send_file, wait_for_imports

ONE = json.dumps(choice(1)).encode()
BARE = {name: value for name, value in choice(1).items() if name != "source"}
PATH = "/v1/sources/shop.orders/records"


def sweep(desk):
    worker = desk.app.extensions[EXTENSION].imports
    worker.sweep()
    wait_for_imports(desk)
    worker.close()


def test_an_upload_that_nobody_imports_goes_though_no_other_follows(sqlite_desk, tmp_path):
    import_id = send_file(sqlite_desk, ONE)
    sqlite_desk.clock.advance(90_000)
    sweep(sqlite_desk)
    assert sqlite_desk.get(f"/v1/imports/{import_id}", "expert").json["state"] == "cancelled"
    assert list((tmp_path / UPLOADS).iterdir()) == []


def test_files_that_a_killed_process_could_not_remove_go_and_those_of_others_stay(sqlite_desk, tmp_path):
    done, cancelled, undone, ready = (send_file(sqlite_desk, ONE) for _ in range(4))
    with unit_of_work(sqlite_desk.engine) as session:
        session.get_one(Import, done).state = "done"
        session.get_one(Import, cancelled).state = "cancelled"
        session.get_one(Import, undone).undone_at = sqlite_desk.clock.now()
    old, young = upload_dir(tmp_path, "push-old"), upload_dir(tmp_path, "push-young")
    for folder, age in ((old, 25), (young, 1)):
        folder.mkdir()
        at = (sqlite_desk.clock.now() - timedelta(hours=age)).timestamp()
        os.utime(folder, (at, at))
    sweep(sqlite_desk)
    assert {path.name for path in (tmp_path / UPLOADS).iterdir()} == {ready, "push-young"}
    assert sqlite_desk.get(f"/v1/imports/{ready}", "expert").json["state"] == "ready"


def test_what_is_pushed_lies_in_the_data_directory_and_leaves_it_at_once(sqlite_desk, tmp_path, monkeypatch):
    seen, real = [], push.import_file

    def look_then_import(engine, path, **asked):
        seen.append(path.parent.parent)
        return real(engine, path, **asked)

    monkeypatch.setattr(push, "import_file", look_then_import)
    assert sqlite_desk.post(PATH, records=[BARE]).json["accepted"] == 1
    assert seen == [tmp_path / UPLOADS] and list((tmp_path / UPLOADS).iterdir()) == []


def test_a_push_onto_a_full_disk_is_refused_and_may_come_again(sqlite_desk, monkeypatch):
    def fill_disk(*_args, **_named):
        raise OSError(errno.ENOSPC, "No space left on device")

    event = "7f6c0e50-3d55-4f0e-9a53-52f6a4d2b9aa"
    with monkeypatch.context() as full:
        full.setattr("feedback.imports.push.tempfile.TemporaryDirectory", fill_disk)
        answer = sqlite_desk.post(PATH, records=[BARE], event_id=event)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "store_full")
    assert sqlite_desk.post(PATH, records=[BARE], event_id=event).json["accepted"] == 1
