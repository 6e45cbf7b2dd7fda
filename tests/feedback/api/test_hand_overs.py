"""Conversations as they come: pictures without a word, long mails, long histories, large bodies."""

import json
from uuid import uuid4

import pytest

from feedback.store.engine import unit_of_work
from feedback.store.tables import Message, SuggestionSet, Turn
from tests.feedback.desk import put_set


def texts(desk):
    return [row.text for row in sorted(desk.rows(Message), key=lambda row: row.position)]


def test_what_is_no_text_is_kept_as_a_mark(desk):
    picture = {"kind": "picture", "name": "receipt.jpg"}
    answer = desk.post(
        "/v1/conversations",
        messages=[
            {"role": "customer", "text": "", "attachments": [picture]},
            {"role": "agent", "text": "Which one?"},
            {"role": "customer", "attachments": [{"kind": "audio"}, {"kind": "file", "name": " "}]},
            {"role": "customer", "text": "This one", "attachments": [picture]},
        ],
    )
    assert answer.status_code == 201
    desk.say(answer.json, "customer", "", attachments=[{"kind": "video", "name": "放.mp4"}])
    assert texts(desk) == [
        "[picture: receipt.jpg]",
        "Which one?",
        "[audio]\n[file]",
        "This one\n[picture: receipt.jpg]",
        "[video: 放.mp4]",
    ]
    assert [turn.state for turn in desk.rows(Turn, state="waiting")] == ["waiting"]


@pytest.mark.parametrize(
    "message", [{}, {"text": " "}, {"attachments": []}, {"attachments": [{"kind": "x"}]}]
)
def test_a_message_of_nothing_is_refused(sqlite_desk, message):
    answer = sqlite_desk.post("/v1/conversations", messages=[{"role": "customer"} | message])
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "body_invalid")


def test_a_long_mail_is_kept_whole(desk):
    mail = "Dear shop, " + "订单" * 5_000
    opened = desk.open(mail, "x" * 1_000_000)
    assert [len(message["text"]) for message in desk.messages(opened)] == [10_011, 1_000_000]
    assert desk.say(opened, "customer", "y" * 20_000, by=opened["visitor_token"]).status_code == 201
    assert desk.say(opened, "customer", "y" * 20_001, by=opened["visitor_token"]).status_code == 422


@pytest.mark.parametrize(("count", "left_out"), [(0, 0), (1, 0), (200, 0), (201, 1), (1_000, 800)])
def test_of_a_long_history_the_oldest_messages_are_cut_and_that_is_said(sqlite_desk, count, left_out):
    said = [{"role": "customer", "text": f"number {number}"} for number in range(count)]
    article = {"title": "Parcels", "text": "2 days"}
    answer = sqlite_desk.post("/v1/conversations", messages=said, knowledge=[article])
    assert (answer.status_code, answer.json["messages_left_out"]) == (201, left_out)
    assert texts(sqlite_desk) == [message["text"] for message in said[left_out:]]
    with_knowledge = [row.text for row in sqlite_desk.rows(Message) if row.knowledge]
    assert with_knowledge == [message["text"] for message in said[-1:]]


def knock(desk, path, token, size):
    """The status of a body that is this many bytes long."""
    body = {"event_id": str(uuid4()), "padding": ""}
    body["padding"] = "x" * (size - len(json.dumps(body)))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = json.dumps(body)
    assert len(data) == size
    return desk.app.test_client().post(path, data=data, headers=headers, content_type="application/json")


@pytest.mark.parametrize(
    ("role", "limit"),
    [
        ("app", 6_000_000),
        ("admin", 6_000_000),
        ("visitor", 65_536),
        ("agent", 65_536),
        ("expert", 65_536),
        (None, 65_536),
    ],
)
def test_apps_send_large_bodies_and_everybody_else_small_ones(sqlite_desk, role, limit):
    opened = sqlite_desk.open()
    tokens = sqlite_desk.tokens | {"visitor": opened["visitor_token"], None: None}
    path = f"/v1/conversations/{opened['conversation_id']}/messages" if role else "/chat/start"
    assert knock(sqlite_desk, path, tokens[role], limit).json["error"]["code"] == "body_invalid"
    answer = knock(sqlite_desk, path, tokens[role], limit + 1)
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "body_too_large")
    assert f"{limit} bytes" in answer.json["error"]["message"]


def test_agents_are_told_how_much_the_suggestions_did_not_see(desk):
    opened = desk.open()
    set_id = put_set(desk.engine, opened["turn_id"])
    with unit_of_work(desk.engine) as session:
        session.get_one(SuggestionSet, set_id).left_out = 4_711
    shown = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
    assert shown["left_out"] == 4_711
