"""Datasets over HTTP: the export, streamed, and what changed between two; for experts, with typed faults."""

import csv
import io
import json
import re
import zipfile

import pyarrow.parquet
import pytest

from feedback.datasets.build import build_dataset
from feedback.exports.forms import EXPORT_FORMS
from tests.feedback.desk import make_desk
from tests.feedback.formats.files import CLOCK, bring_in, choice, write


@pytest.fixture
def exported(store_engine, tmp_path):
    desk = make_desk(store_engine, tmp_path)
    bring_in(store_engine, write(tmp_path / "c.jsonl", *(choice(number) for number in range(10))))
    info = build_dataset(store_engine, data_dir=tmp_path, clock=CLOCK)
    return desk, info


def test_an_expert_gets_the_lines_of_the_file(exported):
    desk, info = exported
    answer = desk.get(f"/v1/datasets/{info.id}/export?kind=pairs", "expert")
    assert answer.status_code == 200 and answer.mimetype == "application/jsonl"
    assert answer.data == (info.path / "pairs.jsonl").read_bytes()
    assert len([json.loads(line) for line in answer.data.splitlines()]) == 20
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{info.id[:16]}-pairs.jsonl"'
    assert desk.get(f"/v1/datasets/{info.id}/export?kind=pairs", "admin").data == answer.data
    choices = desk.get(f"/v1/datasets/{info.id}/export?kind=choices", "expert")
    assert choices.data == (info.path / "choices.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("query", "media_type", "name"),
    [
        ("format=llamafactory", "application/zip", "llamafactory.zip"),
        ("format=csv&kind=choices", "text/csv", "choices.csv"),
        ("format=parquet&kind=pairs", "application/vnd.apache.parquet", "pairs.parquet"),
    ],
)
def test_every_form_is_sent_in_pieces(exported, query, media_type, name):
    desk, info = exported
    answer = desk.get(f"/v1/datasets/{info.id}/export?{query}", "expert")
    assert (answer.status_code, answer.mimetype, answer.is_streamed) == (200, media_type, True)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{info.id[:16]}-{name}"'
    if media_type == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
            assert len(archive.read("pairs.jsonl").splitlines()) == 20
            assert json.loads(archive.read("rejoinder_export.json"))["lines"] == {"pairs.jsonl": 20}
    elif media_type == "text/csv":
        assert len(list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))) == 10
    else:
        assert pyarrow.parquet.read_table(io.BytesIO(answer.data)).num_rows == 20


@pytest.mark.parametrize(
    ("role", "path", "status", "code"),
    [
        ("agent", "{id}/export?kind=pairs", 403, "not_permitted"),
        ("app", "{id}/export?kind=pairs", 403, "not_permitted"),
        (None, "{id}/export?kind=pairs", 401, "sign_in_needed"),
        ("expert", "{zeros}/export", 404, "dataset_not_found"),
        ("expert", "..%2Fsecret.key/export", 404, None),
        ("expert", "{id}/export?format=xls", 422, "query_invalid"),
        ("expert", "{id}/export?kind=conversations", 422, "query_invalid"),
        ("expert", "{id}/export?format=openai&kind=thumbs", 422, "export_empty"),
        ("expert", "{id}/export?form=pairs", 422, "query_invalid"),
        ("agent", "{id}/diff/{id}", 403, "not_permitted"),
        ("expert", "{id}/diff/{zeros}", 404, "dataset_not_found"),
        ("expert", "..%2F..%2Fsecret/diff/{id}", 404, None),
    ],
)
def test_refusals_are_typed(exported, role, path, status, code):
    desk, info = exported
    answer = desk.get("/v1/datasets/" + path.format(id=info.id, zeros="0" * 64), role)
    assert answer.status_code == status
    assert code is None or answer.json["error"]["code"] == code


def test_a_dataset_whose_files_are_gone_is_not_found(exported):
    desk, info = exported
    (info.path / "pairs.jsonl").unlink()
    answer = desk.get(f"/v1/datasets/{info.id}/export?kind=pairs", "expert")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "dataset_not_found")
    (info.path / "choices.jsonl").unlink()
    (info.path / "members.idx").unlink()
    answer = desk.get(f"/v1/datasets/{info.id}/diff/{info.id}", "expert")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "dataset_not_found")


def test_an_expert_reads_what_changed_from_one_dataset_to_another(exported, store_engine, tmp_path):
    desk, info = exported
    bring_in(store_engine, write(tmp_path / "more.jsonl", choice(10, tags=["vip"])))
    later = build_dataset(store_engine, data_dir=tmp_path, clock=CLOCK)
    answer = desk.get(f"/v1/datasets/{info.id}/diff/{later.id}", "expert").json
    assert (answer["kept"], answer["came"]["total"], answer["left"]["total"]) == (10, 1, 0)
    assert answer["came"]["by"]["tag"] == {"vip": 1} and answer["came"]["examples"][0]["id"] == "talk10-1"
    back = desk.get(f"/v1/datasets/{later.id}/diff/{info.id}", "admin").json
    assert (back["came"]["total"], back["left"]["total"]) == (0, 1)


def test_the_page_of_a_dataset_leads_to_every_form(exported):
    desk, info = exported
    page = desk.get(f"/console/datasets/{info.id}", "expert").text
    links = re.findall(rf"/v1/datasets/{info.id}/export\?(format|kind)=(\w+)", page)
    assert [name for what, name in links if what == "format"] == list(EXPORT_FORMS)
    assert [name for what, name in links if what == "kind"] == ["choices", "pairs", "thumbs"]
    for what, name in links:
        assert desk.get(f"/v1/datasets/{info.id}/export?{what}={name}", "expert").status_code == 200
