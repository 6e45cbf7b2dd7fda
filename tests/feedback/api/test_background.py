"""Who writes: what an app passes along for its agents to see, and earlier conversations of a customer."""

import pytest

from feedback.store.tables import Conversation, Turn

FIELDS = [
    {"name": "Order", "value": "48213", "link": "https://shop.example/orders/48213"},
    {"name": "Plan", "value": ""},
]
DUE = "2026-11-22T14:30:00+02:00"


def background(desk, opened, role="agent"):
    answer = desk.get(f"/v1/conversations/{opened['conversation_id']}", role)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_what_an_app_passed_along_is_shown(desk):
    opened = desk.open(
        "Where?", customer_id="c-7", customer_details=["Anna"], tags=["vip"], language="en", fields=FIELDS
    )
    shown = background(desk, opened)
    assert shown["fields"] == [FIELDS[0], FIELDS[1] | {"link": None}]
    assert (shown["customer_id"], shown["customer_details"]) == ("c-7", ["Anna"])
    assert (shown["tags"], shown["language"], shown["earlier"]) == (["vip"], "en", [])
    assert background(desk, desk.open())["fields"] == []


def test_new_fields_take_the_place_of_those_before(desk):
    opened = desk.open(fields=FIELDS)
    desk.say(opened, "customer", "Hello?")
    assert len(background(desk, opened)["fields"]) == 2
    desk.say(opened, "agent", "Sent.", fields=[{"name": "Order", "value": "sent"}])
    assert background(desk, opened)["fields"] == [{"name": "Order", "value": "sent", "link": None}]
    desk.say(opened, "customer", "Thanks", fields=[])
    assert background(desk, opened)["fields"] == []


@pytest.mark.parametrize(
    "field",
    [
        {"name": "", "value": "x"},
        {"name": " ", "value": "x"},
        {"name": "x" * 101, "value": "x"},
        {"name": "x", "value": "x" * 2001},
        {"name": "x"},
        {"name": "x", "value": "x", "link": "javascript:alert(1)"},
        {"name": "x", "value": "x", "link": "https://bank.example@evil.example/"},
        {"name": "x", "value": "x", "link": "https://shop.example/a b"},
        {"name": "x", "value": "x", "colour": "red"},
    ],
)
def test_a_field_has_a_name_a_value_and_a_link_of_the_web(sqlite_desk, field):
    messages = [{"role": "customer", "text": "Hi"}]
    answer = sqlite_desk.post("/v1/conversations", messages=messages, fields=[field])
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "body_invalid")


def test_no_more_than_thirty_fields(sqlite_desk):
    messages = [{"role": "customer", "text": "Hi"}]
    for count, status in ((30, 201), (31, 422)):
        fields = [{"name": "x", "value": "y"}] * count
        assert sqlite_desk.post("/v1/conversations", messages=messages, fields=fields).status_code == status


def due_times(desk):
    return [turn["due_at"] for turn in desk.get("/v1/queue", "agent").json["turns"]]


def test_a_turn_is_due_when_the_app_says_so_and_stays_so_until_it_is_answered(desk):
    opened = desk.open(due_at=DUE)
    assert due_times(desk) == ["2026-11-22T12:30:00Z"]
    desk.say(opened, "customer", "Hello?")
    assert due_times(desk) == ["2026-11-22T12:30:00Z"]  # the customer waits for the same answer
    desk.say(opened, "customer", "Hello!", due_at="2026-11-22T13:00:00Z")
    assert due_times(desk) == ["2026-11-22T13:00:00Z"]
    desk.say(opened, "agent", "Here.")
    desk.say(opened, "customer", "And now?")
    assert due_times(desk) == [None]
    assert len(desk.rows(Turn)) == 4


def test_earlier_conversations_of_a_customer_are_listed_newest_first(desk):
    texts = ("First " + "word " * 60, "Second", "Third")
    opened = []
    for text in texts:
        opened.append(desk.open(text, customer_id="c-7"))
        desk.clock.advance(3600)
    desk.open("Somebody else", customer_id="c-8")
    desk.open("Nobody")
    earlier = background(desk, opened[2])["earlier"]
    assert [row["conversation_id"] for row in earlier] == [opened[n]["conversation_id"] for n in (1, 0)]
    assert [row["text"] for row in earlier] == ["Second", texts[0][:120]]
    assert background(desk, opened[0])["earlier"] == []
    assert background(desk, desk.open("Nobody"))["earlier"] == []  # two unknown ones are not the same


def test_an_erased_conversation_is_not_listed(desk):
    first = desk.open("First", customer_id="c-7")
    desk.clock.advance(1)
    second = desk.open("Second", customer_id="c-7")
    assert desk.post(f"/v1/conversations/{first['conversation_id']}/erasure").status_code == 201
    assert background(desk, second)["earlier"] == []
    assert desk.row(Conversation, id=first["conversation_id"]).fields == []


def test_messages_say_when_they_were_said(desk):
    at = "2026-11-20T08:00:00Z"
    opened = desk.open("Before")
    desk.say(opened, "customer", "Mail", occurred_at=at)
    told = [message["occurred_at"] for message in desk.messages(opened, "agent")]
    assert told == [desk.messages(opened)[0]["created_at"], at]
    for never in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-10:00"):  # no times in UTC
        answer = desk.say(opened, "customer", "Mail", occurred_at=never)
        assert (answer.status_code, answer.json["error"]["code"]) == (422, "body_invalid")
