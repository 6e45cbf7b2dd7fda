"""Calls about sources: experts list and describe them, admins decide about them, everything with a reason."""

from uuid import uuid4

import pytest

from feedback.store.definition_changes import list_definition_changes
from feedback.store.engine import read
from tests.feedback.formats.files import bring_in, choice, thumb, write


def test_sources_are_listed_with_what_the_store_holds_of_them(desk, tmp_path):
    lines = [choice(number) for number in range(30)]
    bring_in(
        desk.engine, write(tmp_path / "c.jsonl", *lines, *({"id": f"x{n}"} for n in range(6))), source="ours"
    )
    bring_in(desk.engine, write(tmp_path / "t.jsonl", thumb(1, source="ours")), "thumbs")
    desk.open()
    found = {shown["name"]: shown for shown in desk.get("/v1/sources", "expert").json["sources"]}
    assert list(found) == ["duel", "label", "live", "ours"]
    assert (found["live"]["records"], found["live"]["kind"], found["live"]["grade"]) == (
        {"conversation": 1},
        "own",
        None,
    )
    ours = found["ours"]
    assert (ours["records"], ours["accepted"], ours["refused"]) == ({"choice": 30, "thumb": 1}, 31, 6)
    assert (ours["state"], ours["licence"]) == ("active", None)
    assert ours["grade"] == {
        "grade": "B",
        "computed": "B",
        "given": None,
        "quality": 0.9153,  # root of 31/37
        "parts": {"accepted": {"of": 37, "share": 0.8378}, "usable": {"of": 31, "share": 1.0}},
        "why": "83.8 % of 37 lines were accepted; 100 % of 31 records can be learned from; "
        "nobody has checked a sample, so it is at most B.",
    }


def test_a_source_is_described_and_decided_about_and_its_history_names_who_and_why(desk):
    name = "stanford/SHP 客服"
    told = {"name": name, "kind": "public", "licence": "CC BY 4.0", "language": "en"}
    assert desk.post("/v1/sources", "expert", **told).json == {
        "source": name,
        "kind": "public",
        "state": "active",
        "grade": None,
    }
    assert desk.post("/v1/sources", "expert", name=name, owner="Mei").status_code == 201
    event = {"event_id": str(uuid4()), "state": "paused", "reason": "texts are cut off"}
    path = f"/v1/sources/{name}"
    answers = [desk.post(f"{path}/state", "admin", **event) for _ in range(2)]
    assert [(answer.status_code, answer.json["state"]) for answer in answers] == [(200, "paused")] * 2
    given = desk.post(f"{path}/grade", "admin", grade="D", reason="read 40")
    assert given.json["grade"] == "D"
    assert desk.post(f"{path}/grade", "admin", reason="of another file").json["grade"] is None
    (shown,) = (each for each in desk.get("/v1/sources", "expert").json["sources"] if each["name"] == name)
    assert [shown[field] for field in ("licence", "language", "owner", "state")] == [
        "CC BY 4.0",
        "en",
        "Mei",
        "paused",
    ]
    with read(desk.engine) as session:
        history = list_definition_changes(session, desk_id="default", kind="source", key=name)
    assert [(row.what, row.actor, row.reason) for row in reversed(history)] == [
        ({"kind": ["user", "public"], "licence": [None, "CC BY 4.0"], "language": [None, "en"]}, "eva", ""),
        ({"owner": [None, "Mei"]}, "eva", ""),
        ({"state": ["active", "paused"]}, "ada", "texts are cut off"),
        ({"grade_override": [None, "D"]}, "ada", "read 40"),
        ({"grade_override": ["D", None]}, "ada", "of another file"),
    ]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/sources", {"name": "live", "licence": "ours"}, 409, "source_own"),
        ("/v1/sources/duel/state", {"state": "paused", "reason": "r"}, 409, "source_own"),
        ("/v1/sources/live/grade", {"grade": "D", "reason": "r"}, 409, "source_own"),
        ("/v1/sources/unknown/state", {"state": "paused", "reason": "r"}, 404, "source_not_found"),
        ("/v1/sources/a%00b/state", {"state": "paused", "reason": "r"}, 404, "source_not_found"),
        ("/v1/sources/a/state", {"state": "gone", "reason": "r"}, 422, "body_invalid"),
        ("/v1/sources/a/state", {"state": "paused"}, 422, "body_invalid"),
        ("/v1/sources/a/state", {"state": "paused", "reason": " "}, 422, "body_invalid"),
        ("/v1/sources/a/grade", {"grade": "E", "reason": "r"}, 422, "body_invalid"),
        ("/v1/sources", {"name": "x", "kind": "own"}, 422, "body_invalid"),
        ("/v1/sources", {"name": " "}, 422, "body_invalid"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_reason(sqlite_desk, path, body, status, code):
    answer = sqlite_desk.post(path, "admin", **body)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)


def test_a_withdrawal_is_not_undone_by_a_pause(sqlite_desk):
    desk = sqlite_desk
    desk.post("/v1/sources", "expert", name="star")
    desk.post("/v1/sources/star/state", "admin", state="withdrawn", reason="the licence ended")
    answer = desk.post("/v1/sources/star/state", "admin", state="paused", reason="r")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "source_state")
    again = desk.post("/v1/sources/star/state", "admin", state="active", reason="it was renewed")
    assert again.json["state"] == "active"
