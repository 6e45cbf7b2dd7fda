"""Readers who wait: the same answers as ever, woken by commits, and no thread held."""

import threading
from uuid import uuid4

import pytest

from feedback.app import create_app
from feedback.settings import FeedbackSettings
from feedback.store.engine import open_engine, unit_of_work
from feedback.store.tables import SuggestionSet
from feedback.web.wakeups import Wakeups
from tests.feedback.desk import KEY, make_desk, put_set
from tests.feedback.web.serving import open_stream, serving_desk, wait_until


@pytest.fixture
def served(desk, tmp_path):
    with serving_desk(desk.app, desk.engine, FeedbackSettings(data_dir=tmp_path)) as served:
        yield served


def messages_path(opened, **query):
    words = "&".join(f"{name}={value}" for name, value in query.items())
    return f"/v1/conversations/{opened['conversation_id']}/messages?{words}"


def test_a_waiting_reader_is_woken_by_the_next_message(desk, served):
    opened = desk.open()
    last = desk.messages(opened)[-1]["message_id"]
    got = []
    with served.client(desk.tokens["app"]) as client:
        reader = threading.Thread(
            target=lambda: got.extend(
                client.get(messages_path(opened, after=last, wait=60)).json()["messages"]
            )
        )
        reader.start()
        desk.say(opened, "customer", "News")
        reader.join(30)
    assert [m["text"] for m in got] == ["News"]


def test_what_is_there_already_is_answered_at_once_and_nothing_after_the_time(desk, served):
    opened = desk.open()
    with served.client(desk.tokens["app"]) as client:
        first = client.get(messages_path(opened, wait=60)).json()["messages"]
        later = client.get(messages_path(opened, wait=0.05, after=first[-1]["message_id"])).json()
    assert [m["text"] for m in first] == ["Where is my order 1042?"]
    assert later == {"messages": [], "two_answers": None}


def test_a_stream_brings_each_message_once_and_in_order(desk, served):
    opened = desk.open()
    token = opened["visitor_token"]
    with served.client(token) as client, open_stream(client, messages_path(opened)) as stream:
        texts = [m["text"] for m in stream.next()["messages"]]
        for text in ("One", "Two"):
            desk.say(opened, "customer", text, by=token)
            texts += [m["text"] for m in stream.next()["messages"]]
        headers = stream.answer.headers
    assert texts == ["Where is my order 1042?", "One", "Two"]
    assert headers["content-type"] == "text/event-stream" and headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff" and headers["x-accel-buffering"] == "no"


def test_a_stream_brings_more_messages_than_are_read_at_once(desk, served, monkeypatch):
    monkeypatch.setattr("feedback.store.conversations.MESSAGES_AT_ONCE", 2)
    monkeypatch.setattr("feedback.api.messages.MESSAGES_AT_ONCE", 2)
    opened = desk.open("One", "Two", "Three", "Four", "Five")
    with (
        served.client(opened["visitor_token"]) as client,
        open_stream(client, messages_path(opened)) as stream,
    ):
        texts = [[m["text"] for m in stream.next()["messages"]] for _ in range(3)]
    assert texts == [["One", "Two"], ["Three", "Four"], ["Five"]]


def test_a_reply_reaches_the_customer_when_its_undo_window_ends(desk, served):
    opened, shown = desk.open_ready()
    with (
        served.client(opened["visitor_token"]) as client,
        open_stream(client, messages_path(opened)) as stream,
    ):
        stream.next()
        assert desk.pick(shown).status_code == 201
        desk.clock.advance(4.9)  # the window is 5 s: the reader's next look is 0.1 s away
        desk.say(opened, "customer", "Hello?", by=opened["visitor_token"])
        assert [m["text"] for m in stream.next()["messages"]] == ["Hello?"]
        desk.clock.advance(1)
        assert [m["text"] for m in stream.next()["messages"]] == ["Base one."]


def test_a_set_is_shown_to_who_waits_once_it_is_written(store_engine, tmp_path):
    desk = make_desk(store_engine, tmp_path, suggester=IdleSuggester())
    opened = desk.open()
    set_id = put_set(desk.engine, opened["turn_id"], state="preparing")
    path = f"/v1/turns/{opened['turn_id']}/suggestions?wait=60"
    wakeups = Wakeups()
    with (
        serving_desk(desk.app, desk.engine, FeedbackSettings(data_dir=tmp_path), wakeups=wakeups) as served,
        served.client(desk.tokens["agent"]) as client,
        open_stream(client, path) as stream,
    ):
        wait_until(lambda: wakeups.is_awaited(f"turn:{opened['turn_id']}"))
        with unit_of_work(desk.engine) as session:  # by a process that signals nothing: the net finds it
            session.get_one(SuggestionSet, set_id).state = "failed"
        assert stream.next()["state"] == "failed"
        with pytest.raises(StopIteration):
            stream.next()


def test_a_reader_of_one_process_hears_what_another_wrote(desk, served, tmp_path):
    other_engine = open_engine(desk.engine.url.render_as_string(hide_password=False))
    settings = FeedbackSettings(data_dir=tmp_path, secret_key=KEY)
    other = create_app(settings, store_engine=other_engine, clock=desk.clock)
    opened = desk.open()
    token = opened["visitor_token"]
    with (
        serving_desk(other, other_engine, settings) as second,
        served.client(token) as reading,
        second.client(token) as writing,
        open_stream(reading, messages_path(opened)) as stream,
    ):
        stream.next()
        body = {"event_id": str(uuid4()), "role": "customer", "text": "News"}
        assert writing.post(messages_path(opened), json=body).status_code == 201
        assert [m["text"] for m in stream.next()["messages"]] == ["News"]
    other_engine.dispose()


class IdleSuggester:
    def notice_turn(self):
        pass

    def ensure_set(self, key):
        return False


def test_sixty_readers_hold_no_thread(desk, served):
    opened = desk.open()
    last = desk.messages(opened)[-1]["message_id"]
    with served.client(desk.tokens["app"]) as client:
        streams = [served.client(desk.tokens["app"]) for _ in range(60)]
        open_streams = [open_stream(each, messages_path(opened, after=last)) for each in streams]
        entered = [each.__enter__() for each in open_streams]
        threads = threading.active_count()
        assert client.get("/healthz").json() == {"live": True}
        desk.say(opened, "customer", "News")
        assert {stream.next()["messages"][0]["text"] for stream in entered} == {"News"}
        assert threads < 60
        for each in (*open_streams,):
            each.__exit__(None, None, None)
        for each in streams:
            each.close()


def test_a_refused_reader_gets_its_refusal_not_a_stream(desk, served):
    opened, other = desk.open(), desk.open("Another")
    with served.client(opened["visitor_token"]) as client:
        answer = client.get(messages_path(other, wait=60), headers={"Accept": "text/event-stream"})
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "conversation_not_found"


def test_a_visitor_holds_eight_places_and_is_answered_at_once_beyond(desk, served):
    opened = desk.open()
    token, last = opened["visitor_token"], desk.messages(opened)[-1]["message_id"]
    clients = [served.client(token) for _ in range(9)]
    streams = [open_stream(each, messages_path(opened, after=last)) for each in clients[:8]]
    for stream in streams:
        stream.__enter__()
    answer = clients[8].get(messages_path(opened, after=last, wait=60))
    assert answer.json() == {"messages": [], "two_answers": None}
    for stream in streams:
        stream.__exit__(None, None, None)
    for each in clients:
        each.close()


def test_a_waiting_call_is_counted_once(sqlite_desk, tmp_path):
    desk, settings = sqlite_desk, FeedbackSettings(data_dir=tmp_path)
    opened = desk.open()
    last = desk.messages(opened)[-1]["message_id"]
    with serving_desk(desk.app, desk.engine, settings) as served, served.client(desk.tokens["app"]) as client:
        before = count_reads(client)
        client.get(messages_path(opened, after=last, wait=0.2))
        assert count_reads(client) - before == 1


def count_reads(client):
    name = 'rejoinder_http_requests_total{method="GET",route="/v1/conversations/<conversation_id>/messages"'
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith(name)]
    return sum(float(line.split()[-1]) for line in lines)
