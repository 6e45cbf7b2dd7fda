"""Thumbs: the last one counts, all are kept, and only on replies that the customer can see."""

import pytest

from feedback.store.tables import Thumb


def sent_reply(desk):
    opened, shown = desk.open_ready()
    message_id = desk.pick(shown).json["message_id"]
    return opened, f"/v1/messages/{message_id}/thumbs", message_id


def test_the_last_thumb_counts_and_all_are_kept(desk):
    opened, path, message_id = sent_reply(desk)
    desk.clock.advance(5)
    assert desk.post(path, opened["visitor_token"], value=1).status_code == 201
    desk.clock.advance(1)
    last = desk.post(path, opened["visitor_token"], value=-1, reasons=["wrong"], comment="No.")
    assert sorted(row.value for row in desk.rows(Thumb)) == [-1, 1]
    found = desk.row(Thumb, id=last.json["thumb_id"])
    assert (found.message_id, found.value) == (message_id, -1)
    assert found.created_at == max(row.created_at for row in desk.rows(Thumb))
    assert found.actor == f"visitor:{opened['conversation_id']}"


def test_a_reply_that_is_still_held_back_has_no_thumbs(desk):
    opened, path, _ = sent_reply(desk)
    for role in ("app", opened["visitor_token"]):
        refused = desk.post(path, role, value=1)
        assert (refused.status_code, refused.json["error"]["code"]) == (404, "message_not_found")


def test_a_visitor_judges_their_own_conversation_alone(desk):
    _, path, _ = sent_reply(desk)
    desk.clock.advance(5)
    stranger = desk.open("Somebody else")["visitor_token"]
    assert desk.post(path, stranger, value=-1).status_code == 404
    assert desk.post(path, "agent", value=1).status_code == 403


def test_a_customers_own_message_takes_no_thumb(desk):
    opened = desk.open()
    message_id = desk.messages(opened)[0]["message_id"]
    refused = desk.post(f"/v1/messages/{message_id}/thumbs", value=1)
    assert (refused.status_code, refused.json["error"]["code"]) == (422, "not_a_reply")


def show_thumb(desk, opened, role):
    return desk.messages(opened, role)[-1]["thumb"]


def test_a_repeated_thumb_never_overtakes_a_later_one(desk):
    opened, path, _ = sent_reply(desk)
    desk.clock.advance(5)
    token = opened["visitor_token"]
    assert desk.post(path, token, value=-1, number=2).status_code == 201
    late = desk.post(path, token, value=1, number=1)
    assert (late.status_code, late.json["error"]["code"]) == (409, "thumb_outdated")
    assert [row.value for row in desk.rows(Thumb)] == [-1]
    assert desk.post(path, token, value=0, number=2).status_code == 409
    assert desk.post(path, token, value=1, number=3).status_code == 201
    assert show_thumb(desk, opened, token)["value"] == 1


def test_thumbs_of_one_moment_keep_their_order(desk):
    opened, path, _ = sent_reply(desk)
    desk.clock.advance(5)
    for value in (1, 0, -1, 1, -1):
        assert desk.post(path, opened["visitor_token"], value=value).status_code == 201
    in_order = sorted(desk.rows(Thumb), key=lambda row: row.created_at)
    assert [row.value for row in in_order] == [1, 0, -1, 1, -1]
    assert len({row.created_at for row in in_order}) == 5


def test_a_visitor_reads_their_own_last_thumb_and_nobody_else_does(desk):
    opened, path, _ = sent_reply(desk)
    desk.clock.advance(5)
    token = opened["visitor_token"]
    assert show_thumb(desk, opened, token) is None
    desk.post(path, token, value=1, number=1)
    desk.post(path, token, value=-1, reasons=["wrong"], comment="No.", number=2)
    desk.post(path, "app", value=1)
    assert show_thumb(desk, opened, token) == {
        "value": -1, "reasons": ["wrong"], "comment": "No.", "number": 2,
    }  # fmt: skip
    assert [show_thumb(desk, opened, role) for role in ("app", "agent", "expert", "admin")] == [None] * 4


@pytest.mark.parametrize("value", [2, -2, True, "1", 0.5, None])
def test_other_values_are_refused(sqlite_desk, value):
    _, path, _ = sent_reply(sqlite_desk)
    refused = sqlite_desk.post(path, value=value)
    assert (refused.status_code, refused.json["error"]["code"]) == (422, "body_invalid")
