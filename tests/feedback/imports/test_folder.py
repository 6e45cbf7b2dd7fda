"""A watched folder: files come in once they are still, move aside with a report, and none stops the watch."""

import json
import os
import threading

import pytest
from sqlmodel import select

from feedback.errors import StoreBusy
from feedback.formats.asked import Asked
from feedback.formats.errors import ImportStopped
from feedback.formats.importer import import_file
from feedback.imports.folder import FolderWatch
from feedback.store.engine import read
from feedback.store.imports import name_state
from feedback.store.tables import Import, Record
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.formats.files import choice, write


@pytest.fixture
def clock():
    return FrozenClock(START)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "incoming"
    path.mkdir()
    return path


@pytest.fixture
def watch(sqlite_engine, folder, clock):
    def bring(path, source):
        return import_file(sqlite_engine, path, asked=Asked(source=source), clock=clock)

    return FolderWatch(lambda: {folder: "tickets"}, bring, clock)


def look_until_still(watch, clock):
    """What a watch brings in once everything that it sees now has been still for five seconds."""
    first = list(watch.look())
    clock.advance(5)
    return first + list(watch.look())


def count_records(engine):
    with read(engine) as session:
        return len(session.exec(select(Record)).all())


def test_a_file_comes_in_once_it_is_still_and_moves_beside_its_report(sqlite_engine, watch, folder, clock):
    path = write(folder / "a.jsonl", choice(1))
    assert list(watch.look()) == []
    clock.advance(4.9)
    write(path, choice(1), choice(2))
    assert list(watch.look()) == []  # it has grown: five seconds from now on
    clock.advance(4.9)
    assert list(watch.look()) == []
    clock.advance(0.1)
    (brought,) = watch.look()
    assert brought.moved_to == folder / "done" / "a.jsonl" and brought.moved_to.is_file()
    assert os.listdir(folder) == ["done"]
    told = json.loads((folder / "done" / "a.jsonl.report.json").read_text())
    assert (told["file"], told["accepted"], told["parts"][0]["format"]) == ("a.jsonl", 2, "our own choices")
    with read(sqlite_engine) as session:
        assert {row.source for row in session.exec(select(Record))} == {"tickets"}
    assert look_until_still(watch, clock) == []


def test_a_second_file_of_a_name_replaces_no_first_one(watch, folder, clock):
    for number in (1, 2):
        write(folder / "a.jsonl", choice(number))
        look_until_still(watch, clock)
    assert sorted(os.listdir(folder / "done")) == [
        "2-a.jsonl",
        "2-a.jsonl.report.json",
        "a.jsonl",
        "a.jsonl.report.json",
    ]


def test_no_file_stops_the_watch(sqlite_engine, watch, folder, clock):
    (folder / "empty.jsonl").touch()  # somebody is about to write it
    (folder / ".hidden").write_bytes(b"{}")
    (folder / "folder").mkdir()
    (folder / "dangling").symlink_to(folder / "nowhere")
    (folder / "noise.bin").write_bytes(os.urandom(5000))
    (folder / "half.json").write_bytes(b'[{"prompt": [{"role": "us')
    (folder / "cut.gz").write_bytes(b"\x1f\x8b\x08")
    (folder / "refused.jsonl").write_text(json.dumps(choice(3, picked=[9])))
    (folder / "chinese.csv").write_bytes(
        "会话编号,角色,内容\n1,客户,你好，我的订单在哪里\n".encode("gb18030")
    )
    write(folder / "good.jsonl", choice(1), "not json")
    brought = {file.path.name: file.moved_to.parent.name for file in look_until_still(watch, clock)}
    assert brought == {
        "noise.bin": "failed",
        "half.json": "failed",
        "cut.gz": "failed",
        "refused.jsonl": "failed",
        "chinese.csv": "done",
        "good.jsonl": "done",
    }
    error = json.loads((folder / "failed" / "noise.bin.report.json").read_text())["error"]
    assert error.startswith("cannot tell what")
    assert json.loads((folder / "failed" / "refused.jsonl.report.json").read_text())["refused"] == {
        "picked_out_of_range": 1
    }
    assert sorted(os.listdir(folder)) == [".hidden", "dangling", "done", "empty.jsonl", "failed", "folder"]
    assert count_records(sqlite_engine) == 1


def test_what_cannot_be_read_fails_and_what_nobody_foresaw_too(folder, clock):
    faults = {"a": PermissionError(13, "Permission denied"), "b": ZeroDivisionError("oh")}

    def bring(path, source):
        raise faults[path.name]

    watch = FolderWatch(lambda: {folder: None}, bring, clock)
    for name in faults:
        (folder / name).write_text("x")
    brought = {file.path.name: file.error for file in look_until_still(watch, clock)}
    assert brought == {"a": "[Errno 13] Permission denied", "b": "ZeroDivisionError: oh"}
    assert sorted(os.listdir(folder / "failed")) == ["a", "a.report.json", "b", "b.report.json"]


def test_a_file_waits_while_the_store_is_busy(watch, folder, clock):
    real, busy = watch.bring, [StoreBusy()]

    def bring(path, source):
        if busy:
            raise busy.pop()
        return real(path, source)

    watch.bring = bring
    write(folder / "a.jsonl", choice(1))
    assert look_until_still(watch, clock) == [] == list(watch.look())
    clock.advance(5)
    (brought,) = watch.look()
    assert brought.moved_to.parent.name == "done"


def test_a_file_that_is_written_to_while_it_comes_in_stays_and_comes_in_again(
    sqlite_engine, watch, folder, clock
):
    real, path = watch.bring, write(folder / "a.jsonl", choice(1))

    def bring(path, source):
        report = real(path, source)
        if count_records(sqlite_engine) == 1:
            write(path, choice(1), choice(2))
        return report

    watch.bring = bring
    assert look_until_still(watch, clock) == [] and path.is_file()
    (brought,) = look_until_still(watch, clock)
    assert (brought.report.accepted, brought.report.duplicates) == (1, 1)


def test_what_cannot_be_moved_is_not_imported_again_and_again(sqlite_engine, watch, folder, clock):
    (folder / "done").write_text("in the way")
    clock.advance(5)
    write(folder / "a.jsonl", choice(1))
    (brought, *_) = [file for file in look_until_still(watch, clock) if file.path.name == "a.jsonl"]
    assert brought.moved_to == folder / "a.jsonl"
    assert [file for file in look_until_still(watch, clock) if file.path.name == "a.jsonl"] == []


def test_a_watch_that_ends_in_the_middle_leaves_the_file_for_the_next_one(
    sqlite_engine, watch, folder, clock
):
    path = write(folder / "a.jsonl", *(choice(number) for number in range(1500)))
    stopped, real = threading.Event(), watch.bring

    def bring(path, source):
        def stop(done):
            if count_records(sqlite_engine) >= 500:
                stopped.set()
                raise ImportStopped(path)

        return import_file(sqlite_engine, path, asked=Asked(source=source), clock=clock, on_bytes=stop)

    watch.bring = bring
    list(watch.look())
    clock.advance(5)
    watch.run(stopped, lambda file: None)  # ends, since the event is set
    assert path.is_file() and count_records(sqlite_engine) == 500
    with read(sqlite_engine) as session:
        (row,) = session.exec(select(Import))
    assert (name_state(row, now=clock.now()), row.done > 0) == ("interrupted", True)
    watch.bring = real
    (brought,) = watch.look()
    assert (brought.report.accepted, brought.report.duplicates) == (1000, 500)
