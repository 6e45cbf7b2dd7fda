"""The calls about tags: what an expert reads and changes, and what is refused with a code."""

import pytest

from tests.feedback.desk import make_desk


@pytest.fixture
def tag_desk(store_engine, tmp_path):
    desk = make_desk(store_engine, tmp_path)
    desk.open("I want my money back", tags=["domain:hotel", "vip"], language="en")
    desk.open("我要退款", tags=["domain:train"], language="zh")
    return desk


def tags_of(desk) -> dict[str, dict]:
    return {
        each["path"]: each
        for each in desk.get("/v1/tags", "expert").json["tags"]
        if each["state"] != "merged"
    }


def change(desk, path: str, call: str, **body):
    return desk.post(f"/v1/tags/{tags_of(desk)[path]['tag_id']}/{call}", "expert", **body)


def test_strings_are_adopted_after_a_preview(tag_desk):
    shown = tag_desk.get("/v1/tag-adoptions", "expert").json
    assert (shown["new_tags"], shown["known"], shown["left"], shown["shared"]) == (4, 0, [], [])
    assert shown["adopted"][0] == {"string": "domain:hotel", "rows": 1, "path": "domain/hotel"}
    assert tags_of(tag_desk) == {}
    done = tag_desk.post("/v1/tag-adoptions", "expert")
    assert (done.status_code, done.json["new_tags"]) == (201, 4)
    tags = tags_of(tag_desk)
    assert list(tags) == ["domain", "domain/hotel", "domain/train", "vip"]
    assert (tags["domain"]["conversations"], tags["domain/hotel"]["aliases"]) == (2, ["domain:hotel"])
    assert tag_desk.post("/v1/tag-adoptions", "expert").json["change_id"] is None
    back = tag_desk.post(f"/v1/tag-changes/{done.json['change_id']}/undo", "expert")
    assert back.status_code == 201 and tags_of(tag_desk) == {}


def test_every_change_is_listed_and_taken_back(tag_desk):
    tag_desk.post("/v1/tag-adoptions", "expert")
    tags = tags_of(tag_desk)
    into = tags["domain/train"]["tag_id"]
    reach = tag_desk.get(f"/v1/tags/{tags['domain/hotel']['tag_id']}/reach", "expert").json
    assert reach == {"conversations": 1, "records": 0, "datasets": []}
    merged = change(tag_desk, "domain/hotel", "merge", into=into)
    assert change(tag_desk, "domain", "rename", name="field").status_code == 201
    assert list(tags_of(tag_desk)) == ["field", "field/train", "vip"]
    assert tags_of(tag_desk)["field/train"]["conversations"] == 2
    assert change(tag_desk, "vip", "move", parent=tags["domain"]["tag_id"]).status_code == 201
    assert change(tag_desk, "field/vip", "retire").status_code == 201
    changes = tag_desk.get("/v1/tags", "expert").json["changes"]
    assert [(each["did"], each["named"], each["to"]) for each in changes] == [
        *[("retire", "field/vip", ""), ("move", "vip", "field"), ("rename", "domain", "field")],
        *[("merge", "domain/hotel", "domain/train"), ("adopt", "", "")],
    ]
    undone = tag_desk.post(f"/v1/tag-changes/{merged.json['change_id']}/undo", "expert")
    assert undone.status_code == 201
    assert list(tags_of(tag_desk)) == ["field", "field/hotel", "field/train", "field/vip"]
    assert change(tag_desk, "field/vip", "restore").status_code == 201
    assert tags_of(tag_desk)["field/vip"]["state"] == "active"


@pytest.mark.parametrize(
    ("path", "call", "body", "status", "code", "named"),
    [
        ("domain", "rename", {"name": "vip"}, 409, "tag_taken", "'vip'"),
        ("vip", "rename", {"name": "domain/hotel"}, 422, "tag_name_invalid", "'domain/hotel'"),
        ("domain", "retire", {}, 409, "tag_has_children", "'domain/hotel'"),
        ("vip", "merge", {"into": "nobody"}, 404, "tag_not_found", "'nobody'"),
        ("vip", "describe", {"patterns": ["*"]}, 422, "pattern_invalid", "'*'"),
        ("vip", "describe", {"title": {"fr": "x"}}, 422, "body_invalid", "title"),
        ("vip", "describe", {"guideline": "x" * 8_001}, 422, "body_invalid", "guideline"),
    ],
)
def test_what_is_refused_says_what_is_in_the_way(sqlite_desk, path, call, body, status, code, named):
    sqlite_desk.open("hello", tags=["domain:hotel", "vip"])
    sqlite_desk.post("/v1/tag-adoptions", "expert")
    answer = change(sqlite_desk, path, call, **body)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
    assert named in answer.json["error"]["message"]


def test_experts_alone_change_tags(sqlite_desk):
    for role in ("agent", "app"):
        assert sqlite_desk.get("/v1/tags", role).status_code == 403
        assert sqlite_desk.post("/v1/tags", role, tag="a").status_code == 403
    assert sqlite_desk.post("/v1/tags", "admin", tag="a").status_code == 201
    answer = sqlite_desk.post("/v1/tags", "expert", tag="a")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "tag_taken")
    assert sqlite_desk.post("/v1/tag-changes/999/undo", "expert").json["error"]["code"] == "change_not_found"


def test_proposals_are_confirmed_many_at_once_and_taken_back(tag_desk):
    added = tag_desk.post("/v1/tags", "expert", tag="money/refund").json
    described = tag_desk.post(
        f"/v1/tags/{added['tag_id']}/describe",
        "expert",
        patterns=["money  back", "退款"],
        title={"en": "Refund", "zh": "退款"},
        guideline="Money comes back.",
    )
    assert described.json == {"version": 2}
    found = tag_desk.get(f"/v1/tag-proposals?tag_id={added['tag_id']}", "expert").json["proposals"]
    assert {(each["language"], each["matched"], each["before"]) for each in found} == {
        ("en", "money back", "I want my "),
        ("zh", "退款", "我要"),
    }
    said = [
        {"tag_id": each["tag_id"], "conversation_id": each["conversation_id"], "verdict": "confirm"}
        for each in found
    ]
    stored = tag_desk.post("/v1/tag-decisions", "expert", decisions=said).json
    assert (len(stored["decision_ids"]), stored["left"]) == (2, 0)
    assert tag_desk.post("/v1/tag-decisions", "expert", decisions=said).json == {
        "decision_ids": [],
        "left": 2,
    }
    assert tags_of(tag_desk)["money"]["conversations"] == 2
    assert tag_desk.get("/v1/tag-proposals", "expert").json["proposals"] == []
    undo = tag_desk.post("/v1/tag-decisions/undo", "expert", decision_ids=stored["decision_ids"])
    assert (undo.status_code, undo.json) == (200, {"taken_back": 2})
    assert tags_of(tag_desk)["money"]["conversations"] == 0
    again = tag_desk.post("/v1/tag-decisions/undo", "expert", decision_ids=stored["decision_ids"][:1])
    assert (again.status_code, again.json["error"]["code"]) == (409, "tag_decided")
