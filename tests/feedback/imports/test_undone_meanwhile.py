"""An undo against an import that is at work, and two processes at one import: nothing comes in after an undo,
and nothing that is done goes.
"""

import json
from datetime import timedelta

import pytest
from sqlmodel import select

from feedback.api import imports
from feedback.erasure.undo import undo_import
from feedback.errors import StoreFull
from feedback.formats import importer
from feedback.formats.errors import ImportRuns, ImportStopped
from feedback.formats.importer import import_file
from feedback.store.engine import read, unit_of_work
from feedback.store.imports import name_state
from feedback.store.tables import DEFAULT_DESK, Import, Record
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.formats.files import CLOCK, choice, write
from tests.feedback.imports.sending import send_file, wait_for_imports


def count_records(engine):
    with read(engine) as session:
        return len(session.exec(select(Record)).all())


def undo_at(engine, data_dir, clock):
    with read(engine) as session:
        (row,) = session.exec(select(Import))
    undo_import(engine, start=row.id, desk_id=DEFAULT_DESK, data_dir=data_dir, clock=clock)


def test_an_import_that_runs_is_not_undone(store_engine, tmp_path):
    def undo_in_the_middle(done):
        if count_records(store_engine) == 500:
            with pytest.raises(ImportRuns):
                undo_at(store_engine, tmp_path, CLOCK)

    path = write(tmp_path / "a.jsonl", *(choice(number) for number in range(1_200)))
    report = import_file(store_engine, path, clock=CLOCK, on_bytes=undo_in_the_middle)
    assert report.accepted == count_records(store_engine) == 1_200


def test_an_import_that_stood_still_and_was_undone_adds_no_more(store_engine, tmp_path):
    later, undone = FrozenClock(START + timedelta(minutes=3)), []

    def undo_in_the_middle(done):
        if count_records(store_engine) == 500 and not undone:
            undone.append(done)
            undo_at(store_engine, tmp_path, later)

    path = write(tmp_path / "a.jsonl", *(choice(number) for number in range(1_200)))
    with pytest.raises(ImportStopped):
        import_file(store_engine, path, clock=CLOCK, on_bytes=undo_in_the_middle)
    with read(store_engine) as session:
        (row,) = session.exec(select(Import))
    assert (name_state(row, now=START), count_records(store_engine), len(undone)) == ("undone", 0, 1)


def test_what_another_process_has_imported_meanwhile_is_not_taken_back(sqlite_desk, monkeypatch):
    data = "\n".join(json.dumps(choice(number)) for number in range(1_200)).encode()
    import_id, real = send_file(sqlite_desk, data), importer.StoreWriter.write

    def finish_elsewhere(self, parsed, *, now):
        real(self, parsed, now=now)
        with unit_of_work(sqlite_desk.engine) as session:
            session.get_one(Import, import_id).state = "done"

    monkeypatch.setattr(importer.StoreWriter, "write", finish_elsewhere)
    sqlite_desk.post(f"/v1/imports/{import_id}/start", "expert")
    wait_for_imports(sqlite_desk)
    assert sqlite_desk.get(f"/v1/imports/{import_id}", "expert").json["state"] == "done"
    assert len(sqlite_desk.rows(Record)) == 500


def test_of_two_undos_at_once_one_is_told_that_it_is_undone(desk, monkeypatch):
    def undo_twice(engine, **asked):
        undo_import(engine, **asked)
        return undo_import(engine, **asked)

    import_id = send_file(desk, json.dumps(choice(1)).encode())
    desk.post(f"/v1/imports/{import_id}/start", "expert")
    wait_for_imports(desk)
    monkeypatch.setattr(imports, "undo_import", undo_twice)
    answer = desk.post(f"/v1/imports/{import_id}/undo", "expert")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "import_state")
    assert desk.rows(Record) == []


def test_an_import_that_failed_in_the_middle_can_be_undone_on_its_page(sqlite_desk, monkeypatch):
    data = "\n".join(json.dumps(choice(number)) for number in range(1_200)).encode()
    import_id, real = send_file(sqlite_desk, data), importer.StoreWriter.write

    def fail_after_a_batch(self, parsed, *, now):
        if sqlite_desk.rows(Record):
            raise StoreFull("disk full")
        real(self, parsed, now=now)

    monkeypatch.setattr(importer.StoreWriter, "write", fail_after_a_batch)
    sqlite_desk.post(f"/v1/imports/{import_id}/start", "expert")
    wait_for_imports(sqlite_desk)
    page = sqlite_desk.get(f"/console/imports/{import_id}", "expert").text
    assert "The store is full" in page and "Try again" in page
    assert (
        "Records that came in before are there: an undo removes them, another try adds the rest." in page
        and f"/v1/imports/{import_id}/undo" in page
    )
    assert sqlite_desk.post(f"/v1/imports/{import_id}/undo", "expert").json["records"] == 500
    assert "Undo this import" not in sqlite_desk.get(f"/console/imports/{import_id}", "expert").text
