"""The export over HTTP: for experts, streamed, with typed refusals."""

import json

import pytest

from feedback.datasets.build import build_dataset
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
    answer = desk.get(f"/v1/datasets/{info.id}/export?format=pairs", "expert")
    assert answer.status_code == 200 and answer.mimetype == "application/jsonl"
    assert answer.data == (info.path / "pairs.jsonl").read_bytes()
    assert len([json.loads(line) for line in answer.data.splitlines()]) == 20
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{info.id[:16]}-pairs.jsonl"'
    assert desk.get(f"/v1/datasets/{info.id}/export", "admin").data == answer.data
    choices = desk.get(f"/v1/datasets/{info.id}/export?format=choices", "expert")
    assert choices.data == (info.path / "choices.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("role", "path", "status", "code"),
    [
        ("agent", "{id}/export?format=pairs", 403, "not_permitted"),
        ("app", "{id}/export?format=pairs", 403, "not_permitted"),
        (None, "{id}/export?format=pairs", 401, "sign_in_needed"),
        ("expert", "{zeros}/export", 404, "dataset_not_found"),
        ("expert", "..%2Fsecret.key/export", 404, None),
        ("expert", "{id}/export?format=csv", 422, "query_invalid"),
        ("expert", "{id}/export?form=pairs", 422, "query_invalid"),
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
    answer = desk.get(f"/v1/datasets/{info.id}/export?format=pairs", "expert")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "dataset_not_found")
