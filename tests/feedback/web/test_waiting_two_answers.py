"""Two answers reach who waits for them, by a stream and by waiting calls, and wake nobody else."""

import threading

import pytest

from feedback.settings import FeedbackSettings
from tests.feedback.desk import make_desk
from tests.feedback.labelling.two_answers import ask, pick, see, send_both
from tests.feedback.web.serving import open_stream, serving_desk


@pytest.fixture
def desk(store_engine, tmp_path):
    return make_desk(store_engine, tmp_path, two_answers=True)


@pytest.fixture
def served(desk, tmp_path):
    with serving_desk(desk.app, desk.engine, FeedbackSettings(data_dir=tmp_path)) as served:
        yield served


def make_path(opened, **query):
    words = "&".join(f"{name}={value}" for name, value in query.items())
    return f"/v1/conversations/{opened['conversation_id']}/messages?{words}"


@pytest.mark.parametrize("answer", ["second", "neither"])
def test_a_stream_brings_two_answers_and_what_was_picked(desk, served, answer):
    opened = ask(desk)
    token = opened["visitor_token"]
    with served.client(token) as client, open_stream(client, make_path(opened, two_answers="")) as stream:
        assert stream.next()["two_answers"] is None
        send_both(desk, opened)
        desk.clock.advance(10)
        offered = stream.next()
        assert offered == {"messages": [], "two_answers": see(desk, opened)}
        pick(desk, opened, answer)
        after = stream.next()
    picked = [offered["two_answers"]["second"]] if answer == "second" else []
    assert after["two_answers"] is None and [each["text"] for each in after["messages"]] == picked


def test_a_reload_brings_two_answers_at_once(desk, served):
    opened = ask(desk)
    send_both(desk, opened)
    desk.clock.advance(10)
    last = desk.messages(opened)[-1]["message_id"]
    with served.client(opened["visitor_token"]) as client:
        found = client.get(make_path(opened, after=last, two_answers="", wait=60)).json()
    assert found["messages"] == [] and set(found["two_answers"]) == {"message_id", "first", "second"}


def test_who_does_not_say_what_they_have_waits_for_messages_alone(desk, served):
    opened = ask(desk)
    send_both(desk, opened)
    desk.clock.advance(10)
    last, got = desk.messages(opened)[-1]["message_id"], []
    with served.client(desk.tokens["app"]) as client:
        reader = threading.Thread(
            target=lambda: got.append(client.get(make_path(opened, after=last, wait=60)).json())
        )
        reader.start()
        pick(desk, opened, "second")
        reader.join(60)
    assert [len(each["messages"]) for each in got] == [1]
