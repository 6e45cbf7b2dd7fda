"""Idempotent writes: the same event again gives the same answer and no second row, whatever the timing."""

import threading
from uuid import uuid4

import pytest

from feedback.store.tables import Conversation, Event, Judgement, Message
from tests.feedback.desk import put_set

HELLO = [{"role": "customer", "text": "Hello"}]


def test_a_repeated_event_gets_the_stored_answer(desk):
    event_id = str(uuid4())
    first = desk.post("/v1/conversations", event_id=event_id, messages=HELLO)
    for spelling in (event_id, event_id.upper(), event_id.replace("-", "")):
        again = desk.post("/v1/conversations", event_id=spelling, messages=HELLO)
        assert (again.status_code, again.json) == (201, first.json)
    assert len(desk.rows(Conversation)) == len(desk.rows(Event)) == 1


def test_the_order_of_fields_does_not_matter(desk):
    event_id = str(uuid4())
    headers = {"Authorization": f"Bearer {desk.tokens['app']}", "Content-Type": "application/json"}
    one = f'{{"event_id": "{event_id}", "messages": [{{"role": "customer", "text": "caf\\u00e9"}}]}}'
    two = f'{{"messages": [{{"text": "café", "role": "customer"}}], "event_id": "{event_id}"}}'
    answers = [
        desk.app.test_client().post("/v1/conversations", data=body.encode(), headers=headers)
        for body in (one, two)
    ]
    assert answers[0].json == answers[1].json and answers[1].status_code == 201


def test_the_same_id_for_something_else_is_a_conflict(desk):
    event_id = str(uuid4())
    opened = desk.post("/v1/conversations", event_id=event_id, messages=HELLO).json
    other_body = desk.post("/v1/conversations", event_id=event_id, messages=[*HELLO, *HELLO])
    other_path = desk.post(f"/v1/turns/{opened['turn_id']}/claim", event_id=event_id)
    for answer in (other_body, other_path):
        assert (answer.status_code, answer.json["error"]["code"]) == (409, "event_conflict")
    other_caller = desk.post("/v1/conversations", "admin", event_id=event_id, messages=HELLO)
    assert other_caller.json["error"]["code"] == "event_conflict"


def test_a_refusal_is_not_stored(desk):
    opened = desk.open()
    set_id = put_set(desk.engine, opened["turn_id"])
    event_id, path = str(uuid4()), f"/v1/sets/{set_id}/judgements"
    refused = desk.post(path, "agent", event_id=event_id, kind="none")
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "set_not_shown")
    desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent")
    assert desk.post(path, "agent", event_id=event_id, kind="none").status_code == 201


def test_a_repeated_judgement_is_no_second_one(desk):
    _, shown = desk.open_ready()
    event_id = str(uuid4())
    first, again = (desk.pick(shown, event_id=event_id) for _ in range(2))
    assert (again.status_code, again.json) == (201, first.json)
    assert len(desk.rows(Judgement)) == len(desk.rows(Message, role="agent")) == 1


def test_of_identical_concurrent_events_one_is_written_and_all_are_answered_alike(desk):
    event_id, answers, start = str(uuid4()), [], threading.Barrier(8)

    def send():
        start.wait(30)
        answers.append(desk.post("/v1/conversations", event_id=event_id, messages=HELLO))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.text for answer in answers}) == 1
    assert len(desk.rows(Conversation)) == len(desk.rows(Event)) == len(desk.rows(Message)) == 1


def test_many_writers_at_once_lose_nothing(desk):
    opened, answers = desk.open(), []

    def write(number):
        for part in range(3):
            answers.append(desk.say(opened, "customer", f"{number}-{part}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert [answer.status_code for answer in answers] == [201] * 18
    messages = sorted(desk.rows(Message), key=lambda row: row.position)
    assert [row.position for row in messages] == list(range(19))
    assert {answer.json["message_id"] for answer in answers} == {row.id for row in messages[1:]}


@pytest.mark.parametrize("event_id", ["", "not-a-uuid", 7, None, "1" * 31])
def test_an_event_id_is_a_uuid(sqlite_desk, event_id):
    answer = sqlite_desk.post("/v1/conversations", event_id=event_id, messages=HELLO)
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "body_invalid")
    assert "event_id" in answer.json["error"]["message"]


def test_of_identical_concurrent_judgements_one_is_written_and_all_are_answered_alike(desk):
    _, shown = desk.open_ready()
    event_id, answers, start = str(uuid4()), [], threading.Barrier(6)

    def send():
        start.wait(30)
        answers.append(desk.pick(shown, event_id=event_id))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.text for answer in answers}) == 1
    assert len(desk.rows(Judgement)) == len(desk.rows(Message, role="agent")) == 1


def test_a_repetition_is_answered_even_where_it_would_be_refused_by_now(desk):
    opened, shown = desk.open_ready()
    event_id = str(uuid4())
    first = desk.judge(shown, "skip", event_id=event_id)
    desk.say(opened, "customer", "Never mind.")
    again = desk.judge(shown, "skip", event_id=event_id)
    assert (first.status_code, again.status_code, again.json) == (201, 201, first.json)
    other = desk.judge(shown, "none", event_id=event_id)
    assert (other.status_code, other.json["error"]["code"]) == (409, "event_conflict")
