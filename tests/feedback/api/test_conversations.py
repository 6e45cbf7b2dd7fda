"""Conversations and messages over HTTP: opening, writing, waiting, and what each reader may see."""

import pytest

from feedback.store.tables import Conversation, Message, Turn
from tests.feedback.desk import put_set


def test_a_conversation_opens_with_a_waiting_turn(desk):
    answer = desk.post(
        "/v1/conversations",
        messages=[
            {"role": "customer", "text": "Hi"},
            {"role": "agent", "text": "Hello!"},
            {"role": "customer", "text": "订单在哪?"},
        ],
        language="zh-CN",
        tags=["orders"],
        customer_id="c-1",
        knowledge=[{"title": "Shipping", "text": "Two days."}],
    )
    assert answer.status_code == 201
    assert set(answer.json) == {"conversation_id", "visitor_token", "turn_id", "messages_left_out"}
    row = desk.row(Conversation)
    assert (row.language, row.tags, row.customer_id) == ("zh-CN", ["orders"], "c-1")
    messages = sorted(desk.rows(Message), key=lambda message: message.position)
    assert [(m.position, m.role, m.text) for m in messages] == [
        (0, "customer", "Hi"),
        (1, "agent", "Hello!"),
        (2, "customer", "订单在哪?"),
    ]
    assert messages[2].knowledge == [{"title": "Shipping", "text": "Two days."}]
    assert desk.row(Turn).message_id == messages[2].id


def test_no_turn_waits_when_the_agent_had_the_last_word(desk):
    answer = desk.post("/v1/conversations", messages=[{"role": "agent", "text": "How may I help?"}])
    assert (answer.status_code, answer.json["turn_id"]) == (201, None)


def test_the_visitor_token_is_in_no_row(desk):
    opened = desk.open()
    token = opened["visitor_token"]
    with desk.engine.connect() as connection:
        for table in ("event", "conversation"):
            assert token not in str(connection.exec_driver_sql(f"SELECT * FROM {table}").fetchall())  # noqa: S608


def test_a_customer_who_writes_again_gets_a_new_turn_and_the_old_set_is_superseded(desk):
    opened = desk.open()
    set_id = put_set(desk.engine, opened["turn_id"])
    answer = desk.say(opened, "customer", "Hello?")
    assert answer.status_code == 201 and answer.json["turn_id"] != opened["turn_id"]
    assert {turn.id: turn.state for turn in desk.rows(Turn)} == {
        opened["turn_id"]: "superseded",
        answer.json["turn_id"]: "waiting",
    }
    shown = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
    assert shown == {
        "set_id": set_id,
        "state": "superseded",
        "candidates": [],
        "left_out": 0,
        "failure": None,
    }


def test_an_agents_own_text_answers_the_turn_and_bypasses_the_set(desk):
    opened = desk.open()
    put_set(desk.engine, opened["turn_id"], state="preparing")
    answer = desk.say(opened, "agent", "On its way.", by="agent")
    assert (answer.status_code, answer.json["turn_id"]) == (201, None)
    assert desk.row(Turn).state == "answered"
    assert desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json["state"] == "bypassed"
    desk.clock.advance(5)
    assert desk.messages(opened)[-1]["text"] == "On its way."


def test_a_visitor_writes_and_reads_in_their_own_conversation_alone(desk):
    mine, theirs = desk.open(), desk.open("Somebody else")
    token = mine["visitor_token"]
    assert desk.say(mine, "customer", "It is me", by=token).status_code == 201
    assert [m["text"] for m in desk.messages(mine, token)] == ["Where is my order 1042?", "It is me"]
    assert desk.get(f"/v1/conversations/{theirs['conversation_id']}/messages", token).status_code == 404
    assert desk.say(theirs, "customer", "It is me", by=token).status_code == 404
    pretending = desk.say(mine, "agent", "Free for you", by=token)
    assert (pretending.status_code, pretending.json["error"]["code"]) == (403, "not_permitted")


def test_customers_see_a_reply_once_its_undo_window_is_over(desk):
    opened, shown = desk.open_ready()
    assert desk.pick(shown).status_code == 201
    visitor = opened["visitor_token"]
    assert len(desk.messages(opened, visitor)) == 1
    assert len(desk.messages(opened, "app")) == 1
    assert [m["released"] for m in desk.messages(opened, "app", "?pending=true")] == [True, False]
    assert [m["released"] for m in desk.messages(opened, "agent")] == [True, False]
    assert len(desk.messages(opened, visitor, "?pending=true")) == 1
    desk.clock.advance(5)
    assert [m["text"] for m in desk.messages(opened, visitor)] == ["Where is my order 1042?", "Base one."]


def test_a_held_back_reply_is_not_lost_behind_what_the_customer_wrote_meanwhile(desk):
    opened, shown = desk.open_ready()
    desk.pick(shown)
    desk.clock.advance(2)
    desk.say(opened, "customer", "Are you there?", by=opened["visitor_token"])
    seen = desk.messages(opened, opened["visitor_token"])
    desk.clock.advance(3)
    later = desk.messages(opened, opened["visitor_token"], f"?after={seen[-1]['message_id']}")
    assert [m["text"] for m in (*seen, *later)] == ["Where is my order 1042?", "Are you there?", "Base one."]


def test_after_names_a_message_of_this_conversation(desk):
    opened, other = desk.open(), desk.open("Other")
    foreign = desk.messages(other)[0]["message_id"]
    path = f"/v1/conversations/{opened['conversation_id']}/messages"
    assert desk.get(f"{path}?after={foreign}").json["error"]["code"] == "message_not_found"
    assert desk.get(f"{path}?after=unknown").status_code == 404
    assert desk.get("/v1/conversations/unknown/messages").json["error"]["code"] == "conversation_not_found"


def test_waiting_is_limited_to_a_minute(sqlite_desk):
    opened = sqlite_desk.open()
    answer = sqlite_desk.get(f"/v1/conversations/{opened['conversation_id']}/messages?wait=61")
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "query_invalid")


def test_agents_do_not_write_as_customers(sqlite_desk):
    opened = sqlite_desk.open()
    answer = sqlite_desk.say(opened, "customer", "I am the customer", by="agent")
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("注文番号1042の配送状況を確認したいです", "ja"),
        ("我的订单在哪里?", "zh"),
        ("Wo bleibt denn meine Bestellung 1042?", "de"),
        ("Hi", None),
    ],
)
def test_a_conversation_without_a_language_gets_the_one_of_its_customer(desk, text, language):
    opened = desk.open(text)
    begun = desk.post("/chat/start", role=None, text=text).get_json()
    found = [desk.row(Conversation, id=each["conversation_id"]).language for each in (opened, begun)]
    assert found == [language, language]


def test_a_later_message_tells_the_language_that_the_first_one_left_open(desk):
    opened = desk.open("Hi")
    desk.say(opened, "customer", "I still wait for my order 1042, where is it?")
    assert desk.row(Conversation, id=opened["conversation_id"]).language == "en"
