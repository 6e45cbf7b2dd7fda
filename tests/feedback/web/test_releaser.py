"""A reply reaches its customer after the undo window, whatever the time of day is set to meanwhile."""

import threading

import pytest

from feedback.clock import SystemClock
from feedback.store.changes import conversation_topic, on_commit
from feedback.store.tables import Message
from feedback.web.releaser import Releaser

HOUR = 3600


def texts(desk, opened):
    return [message["text"] for message in desk.messages(opened, "app")]


@pytest.fixture
def answered(desk):
    """A conversation whose pick ("Base one.") waits for its release in five seconds."""
    opened, shown = desk.open_ready()
    judgement = desk.pick(shown).json
    return opened, judgement["judgement_id"]


def test_a_step_back_hides_nothing_that_was_seen(desk, answered):
    opened, _ = answered
    desk.clock.advance(5)
    seen = texts(desk, opened)
    assert seen == ["Where is my order 1042?", "Base one."]
    desk.clock.step(-HOUR)
    assert texts(desk, opened) == seen


def test_what_is_written_after_a_step_back_comes_after_what_was_seen(desk, answered):
    opened, _ = answered
    desk.clock.advance(5)
    last = desk.messages(opened, "app")[-1]["message_id"]
    desk.clock.step(-HOUR)
    desk.say(opened, "customer", "And now?")
    desk.say(opened, "agent", "Tomorrow.")
    assert [m["text"] for m in desk.messages(opened, "app", f"?after={last}")] == ["And now?", "Tomorrow."]


@pytest.mark.parametrize("step", [-HOUR, HOUR])
def test_the_window_is_counted_in_seconds_that_pass(desk, answered, step):
    opened, _ = answered
    desk.clock.step(step)
    desk.clock.advance(4.9)
    assert "Base one." not in texts(desk, opened)
    desk.clock.advance(0.1)
    assert "Base one." in texts(desk, opened)


def test_undo_before_the_release_wins_whatever_the_clock_says(desk, answered):
    opened, judgement_id = answered
    desk.clock.step(HOUR)
    assert desk.post(f"/v1/judgements/{judgement_id}/undo", "agent").json["message"] == "retracted"
    desk.clock.advance(60)
    assert "Base one." not in texts(desk, opened)
    assert desk.row(Message, text="Base one.").release_no is None


def test_undo_after_the_release_is_too_late_whatever_the_clock_says(desk, answered):
    opened, judgement_id = answered
    desk.clock.advance(5)
    desk.clock.step(-HOUR)
    assert desk.post(f"/v1/judgements/{judgement_id}/undo", "agent").json["message"] == "sent"
    assert "Base one." in texts(desk, opened)


@pytest.mark.usefixtures("answered")
def test_a_thumb_needs_a_release_and_not_a_time(desk):
    reply = desk.row(Message, text="Base one.").id
    desk.clock.step(HOUR)
    assert desk.post(f"/v1/messages/{reply}/thumbs", "app", value=1).status_code == 404
    desk.clock.advance(5)
    desk.clock.step(-2 * HOUR)
    assert desk.post(f"/v1/messages/{reply}/thumbs", "app", value=1).status_code == 201


def test_a_held_reply_comes_after_what_the_customer_saw_meanwhile(desk, answered):
    opened, _ = answered
    desk.say(opened, "customer", "Never mind.")
    desk.clock.advance(5)
    assert texts(desk, opened) == ["Where is my order 1042?", "Never mind.", "Base one."]


def make_releaser(desk, clock):
    return Releaser(store_engine=desk.engine, clock=clock, window_s=5)


def test_what_a_killed_process_left_held_goes_a_window_after_the_next_one_looked(desk, answered):
    opened, _ = answered
    desk.clock.on_advance = [make_releaser(desk, desk.clock).tick]  # the next process knows nothing of it
    desk.clock.step(-HOUR)
    desk.clock.advance(0)
    desk.clock.advance(4)
    assert "Base one." not in texts(desk, opened)
    desk.clock.advance(1)
    assert "Base one." in texts(desk, opened)


def test_two_processes_release_once(desk, answered):
    opened, _ = answered
    one, other = make_releaser(desk, desk.clock), make_releaser(desk, desk.clock)
    desk.clock.on_advance += [one.tick, other.tick]
    desk.clock.advance(0)
    desk.clock.advance(5)
    first = desk.row(Message, text="Base one.")
    desk.clock.advance(60)
    assert desk.row(Message, text="Base one.") == first
    assert texts(desk, opened).count("Base one.") == 1


def test_the_thread_releases_and_wakes_who_waits(desk, answered):
    opened, _ = answered
    woken, topic = threading.Event(), conversation_topic(opened["conversation_id"])
    on_commit(desk.engine, lambda topics: woken.set() if topic in topics else None)
    releaser = Releaser(store_engine=desk.engine, clock=SystemClock(), window_s=0.05)
    releaser.start()
    try:
        assert woken.wait(30)
        assert "Base one." in texts(desk, opened)
    finally:
        releaser.close()
