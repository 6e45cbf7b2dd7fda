"""Datasets that are built and checked in the background: what is said before, meanwhile and afterwards."""

import json
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta

import pytest

from feedback.app import create_app
from feedback.datasets import worker as at_work
from feedback.datasets.build import build_dataset
from feedback.datasets.difficulty import difficulty_key
from feedback.datasets.layout import dataset_dir
from feedback.lease import Lease
from feedback.store import dataset_jobs
from feedback.store.engine import unit_of_work
from feedback.store.sources import change_source_state, register_sources
from feedback.store.tables import Dataset, DatasetJob
from feedback.web.services import EXTENSION
from tests.feedback.desk import Desk, make_desk
from tests.feedback.formats.files import bring_in, choice, write

CHOICES = [choice(number, tags=["billing" if number % 2 else "delivery"]) for number in range(12)]


def worker_of(desk):
    return desk.app.extensions[EXTENSION].datasets


def bring(desk, tmp_path, *lines):
    bring_in(desk.engine, write(tmp_path / "lines.jsonl", *(lines or CHOICES)))


def ask(desk, **selection):
    answer = desk.post("/v1/datasets", "expert", **selection)
    assert answer.status_code == 202, answer.text
    return answer.json["job_id"]


def build(desk, **selection):
    job_id = ask(desk, **selection)
    worker_of(desk).wait()
    return job_id


def show(desk, job_id):
    return desk.get(f"/v1/dataset-jobs/{job_id}", "expert").json


def test_a_selection_is_built_and_checked_and_says_whether_it_is_new(desk, tmp_path):
    bring(desk, tmp_path)
    shown = show(desk, build(desk, tags=["billing"], since="2020-01-01", note=" the winter "))
    expected = {"state": "done", "is_new": True, "note": "the winter", "error": None, "kind": "build"}
    assert {name: shown[name] for name in expected} == expected
    (dataset,) = desk.rows(Dataset)
    assert (shown["dataset"], dataset.counts["choices"]["all"]) == (dataset.id, 6)
    assert dataset.selection["since"] == "2020-01-01T00:00:00+00:00"
    again = show(desk, build(desk, tags=["billing"]))
    assert (again["dataset"], again["is_new"]) == (dataset.id, False)
    assert len(desk.rows(Dataset)) == 1
    checks = [row for row in desk.rows(DatasetJob) if row.kind == "check"]
    assert [(row.state, row.dataset_id, row.faults) for row in checks] == [("done", dataset.id, [])] * 2


@pytest.mark.parametrize(
    "selection",
    [
        {"sources": ["nowhere"]},
        {"tags": ["spam"]},
        {"without_tags": ["billing", "delivery"]},
        {"languages": ["zh"]},
        {"since": "2099-01-01"},
        {"sources": ["duel"]},
    ],
)
def test_an_empty_selection_is_refused_before_anything_is_asked_for(desk, tmp_path, selection):
    bring(desk, tmp_path)
    refused = desk.post("/v1/datasets", "expert", **selection)
    assert (refused.status_code, refused.json["error"]["code"]) == (422, "selection_empty")
    assert desk.rows(DatasetJob) == []


def test_a_store_without_records_and_a_paused_source_have_nothing_to_build(sqlite_desk, tmp_path):
    assert sqlite_desk.post("/v1/datasets", "expert").json["error"]["code"] == "selection_empty"
    bring(sqlite_desk, tmp_path)
    decided = {"desk_id": "default", "now": sqlite_desk.clock.now()}
    with unit_of_work(sqlite_desk.engine) as session:
        register_sources(session, kinds={"test": "user"}, **decided)
        change_source_state(session, name="test", state="paused", actor="ada", reason="old", **decided)
    assert sqlite_desk.post("/v1/datasets", "expert").json["error"]["code"] == "selection_empty"


def note_difficulty(tmp_path, *records):
    """As a run of the trainer notes it."""
    with closing(sqlite3.connect(tmp_path / "reference.db")) as notes, notes:
        notes.execute("CREATE TABLE IF NOT EXISTS difficulty (record BLOB, base TEXT, nats REAL)")
        rows = [(difficulty_key("choices", "test", record["id"]),) for record in records]
        notes.executemany("INSERT INTO difficulty VALUES (?, 'base', 1.0)", rows)


def test_difficulty_is_refused_at_once_where_no_run_noted_any_and_else_by_the_build(sqlite_desk, tmp_path):
    bring(sqlite_desk, tmp_path)
    note_difficulty(tmp_path)
    refused = sqlite_desk.post("/v1/datasets", "expert", difficulty=[3, 4])
    assert (refused.status_code, refused.json["error"]["code"]) == (422, "difficulty_unknown")
    note_difficulty(tmp_path, choice(99))  # which is gone
    shown = show(sqlite_desk, build(sqlite_desk, difficulty=[3, 4]))
    assert (shown["state"], shown["error"]) == ("failed", "difficulty_unknown")


def test_a_build_that_nothing_is_left_of_names_what_it_refused(sqlite_desk, tmp_path):
    bring(sqlite_desk, tmp_path)
    note_difficulty(tmp_path, CHOICES[1])  # of billing
    shown = show(sqlite_desk, build(sqlite_desk, tags=["delivery"], difficulty=[1]))
    assert (shown["state"], shown["error"]) == ("failed", "selection_empty")
    assert shown["refusals"] == {"no_difficulty": 6}
    assert sqlite_desk.rows(Dataset) == []


def test_a_build_that_runs_shows_its_progress_and_is_cancelled_without_a_trace(
    sqlite_desk, tmp_path, monkeypatch
):
    bring(sqlite_desk, tmp_path)
    seen = []

    def build_slowly(*args, on_record, **wishes):
        (job,) = sqlite_desk.rows(DatasetJob)
        keeping = on_record.__self__

        def note(step, done, total):
            if not seen:
                keeping.note(step, done, total)
                keeping.keep()  # as its thread does every second
                seen.append(show(sqlite_desk, job.id))
                seen.append(sqlite_desk.post(f"/v1/dataset-jobs/{job.id}/cancel", "expert").json)
                keeping.keep()
            on_record(step, done, total)

        return build_dataset(*args, on_record=note, **wishes)

    monkeypatch.setattr(at_work, "build_dataset", build_slowly)
    job_id = build(sqlite_desk)
    running, cancelled = seen
    assert (running["state"], running["step"], running["done"], running["total"]) == (
        "running",
        "reading",
        1,
        12,
    )
    assert cancelled["state"] == "cancelling"
    assert show(sqlite_desk, job_id)["state"] == "cancelled"
    assert sqlite_desk.rows(Dataset) == []
    assert list((tmp_path / "datasets").iterdir()) == []
    refused = sqlite_desk.post(f"/v1/dataset-jobs/{job_id}/cancel", "expert")
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "dataset_job_state")


def test_a_build_whose_process_ends_goes_on_with_the_next_one(sqlite_engine, tmp_path, monkeypatch):
    desk = make_desk(sqlite_engine, tmp_path)
    bring(desk, tmp_path)
    worker, is_reading = worker_of(desk), threading.Event()

    def build_until_the_end(*args, on_record, **wishes):
        is_reading.set()
        assert worker._jobs.closing.wait(60)
        return build_dataset(*args, on_record=on_record, **wishes)

    monkeypatch.setattr(at_work, "build_dataset", build_until_the_end)
    job_id = ask(desk)
    assert is_reading.wait(60)
    worker.close()
    assert show(desk, job_id)["state"] == "waiting"
    assert desk.rows(Dataset) == []
    monkeypatch.undo()
    settings = desk.app.extensions[EXTENSION].settings
    later = Desk(
        create_app(settings, store_engine=sqlite_engine, clock=desk.clock),
        sqlite_engine,
        desk.clock,
        desk.tokens,
        desk.users,
    )
    worker_of(later).sweep()
    worker_of(later).wait()
    assert show(later, job_id)["state"] == "done"


def test_a_build_whose_process_was_killed_is_interrupted_once_its_lease_is_over(sqlite_desk, tmp_path):
    bring(sqlite_desk, tmp_path)
    now = sqlite_desk.clock.now()
    told = {"desk_id": "default", "actor": "eva", "now": now}
    with unit_of_work(sqlite_desk.engine) as session:
        row = dataset_jobs.add_build(session, selection={}, note=None, **told)
        lease = Lease("another.example/1/aa", now + timedelta(seconds=at_work.LEASE_S))
        dataset_jobs.begin_job(session, job_id=row.id, lease=lease)
    assert show(sqlite_desk, row.id)["state"] == "running"
    sqlite_desk.clock.advance(at_work.LEASE_S + 1)
    assert show(sqlite_desk, row.id)["state"] == "interrupted"
    assert sqlite_desk.post(f"/v1/dataset-jobs/{row.id}/cancel", "expert").status_code == 409
    worker_of(sqlite_desk).sweep()
    worker_of(sqlite_desk).wait()
    assert show(sqlite_desk, row.id)["state"] == "interrupted"  # it may have been what killed it


def test_a_check_says_what_is_wrong_with_examples(desk, tmp_path):
    bring(desk, tmp_path)
    dataset_id = show(desk, build(desk))["dataset"]
    lines = (path := dataset_dir(tmp_path, dataset_id) / "choices.jsonl").read_text().splitlines()
    moved = json.loads(lines[0])
    held_out = "test" if moved["split"] != "test" else "train"
    path.write_text("\n".join([*lines, json.dumps(moved | {"id": "again", "split": held_out})]) + "\n")
    answer = desk.post(f"/v1/datasets/{dataset_id}/check", "expert")
    worker_of(desk).wait()
    shown = show(desk, answer.json["job_id"])
    assert (answer.status_code, shown["state"], shown["kind"]) == (202, "done", "check")
    faults = {fault["code"]: fault for fault in shown["faults"]}
    assert {code: fault["count"] for code, fault in faults.items()} | {"leak": 1} == {
        "file_changed": 1,
        "two_splits": 1,
        "leak": 1,
    }
    assert faults["file_changed"]["examples"] == [[{"name": "choices.jsonl", "split": ""}]]
    (both,) = faults["two_splits"]["examples"]
    assert {place["split"] for place in both} == {moved["split"], held_out}


def test_what_is_gone_is_not_checked(sqlite_desk, tmp_path):
    bring(sqlite_desk, tmp_path)
    dataset_id = show(sqlite_desk, build(sqlite_desk))["dataset"]
    for file in dataset_dir(tmp_path, dataset_id).iterdir():
        file.unlink()
    gone = sqlite_desk.post(f"/v1/datasets/{dataset_id}/check", "expert").json
    worker_of(sqlite_desk).wait()
    assert show(sqlite_desk, gone["job_id"])["error"] == "dataset_files_gone"
    dataset_dir(tmp_path, dataset_id).rmdir()
    assert sqlite_desk.post(f"/v1/datasets/{dataset_id}/check", "expert").status_code == 404
    assert sqlite_desk.post("/v1/datasets/none/check", "expert").status_code == 404


def test_a_build_that_makes_records_keeps_what_it_was_asked_for(sqlite_desk, tmp_path):
    prompt = [{"role": "user", "content": "The lamp that I bought flickers at night. Who helps me?"}]
    bring(sqlite_desk, tmp_path, choice(1, prompt=prompt))
    job = build(sqlite_desk, augment=["order", "synonym"])
    assert show(sqlite_desk, job)["selection"]["augment"] == ["order", "synonym"]
    (dataset,) = sqlite_desk.rows(Dataset)
    assert (dataset.counts["choices"]["all"], dataset.counts["made"]["order"]["train"]) == (3, 1)
    page = sqlite_desk.get(f"/console/datasets?again={job}", "expert").text
    assert 'name="augment[]" value="synonym" checked' in page
    unknown = sqlite_desk.post("/v1/datasets", "expert", augment=["sorcery"])
    assert (unknown.status_code, unknown.json["error"]["code"]) == (422, "body_invalid")
