"""A reply that somebody wrote by hand is held for its window, and can be taken back like any other."""

import pytest

from feedback.store.tables import Message, SuggestionSet, Turn
from tests.feedback.api.test_judgements import undo
from tests.feedback.api.test_queue import queue
from tests.feedback.desk import make_desk, put_set

ASKED = "Where is my order 1042?"


def write_by_hand(desk, opened, text="By hand.", by="ann"):
    return desk.say(opened, "agent", text, by=by).json["message_id"]


def retract(desk, message_id, role="ann", **body):
    return desk.post(f"/v1/messages/{message_id}/retract", role, **body)


def seen(desk, opened):
    return [said["text"] for said in desk.messages(opened, opened["visitor_token"])]


def test_a_reply_by_hand_is_held_for_its_window(desk):
    opened = desk.open()
    write_by_hand(desk, opened)
    desk.clock.advance(4.9)
    assert seen(desk, opened) == [ASKED]
    desk.clock.advance(0.1)
    assert seen(desk, opened) == [ASKED, "By hand."]


def test_what_an_app_hands_over_was_said_already(desk):
    opened = desk.open()
    write_by_hand(desk, opened, by="app")
    assert seen(desk, opened) == [ASKED, "By hand."]


def test_without_a_window_nothing_is_held(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path, undo_window_s=0)
    opened = desk.open()
    message_id = write_by_hand(desk, opened)
    assert seen(desk, opened) == [ASKED, "By hand."]
    assert retract(desk, message_id).json == {"message": "sent"}


@pytest.mark.parametrize("set_state", [None, "preparing", "failed", "ready"])
def test_taken_back_the_turn_waits_with_the_set_that_it_had(desk, set_state):
    opened = desk.open()
    if set_state:
        put_set(desk.engine, opened["turn_id"], state=set_state)
    message_id = write_by_hand(desk, opened)
    assert queue(desk) == []
    answer = retract(desk, message_id)
    assert (answer.status_code, answer.json) == (200, {"message": "retracted"})
    [waiting] = queue(desk, "ann")
    assert (waiting["turn_id"], waiting["set_state"]) == (opened["turn_id"], set_state)
    assert waiting["claimed_by_me"]
    desk.clock.advance(60)
    assert seen(desk, opened) == [ASKED]
    attempts = {row.attempt for row in desk.rows(SuggestionSet)} | {desk.row(Turn).attempt}
    assert attempts == {2}
    write_by_hand(desk, opened, "Better.")
    desk.clock.advance(5)
    assert seen(desk, opened) == [ASKED, "Better."]


def test_after_the_release_it_stays(desk):
    opened = desk.open()
    message_id = write_by_hand(desk, opened)
    desk.clock.advance(5)
    assert retract(desk, message_id).json == {"message": "sent"}
    assert (desk.row(Turn).state, seen(desk, opened)) == ("answered", [ASKED, "By hand."])


def test_a_follow_up_taken_back_leaves_the_reply_before_it(desk):
    opened = desk.open()
    write_by_hand(desk, opened)
    follow_up = write_by_hand(desk, opened, "One more thing.")
    assert retract(desk, follow_up).json == {"message": "retracted"}
    desk.clock.advance(5)
    assert (seen(desk, opened), desk.row(Turn).state) == ([ASKED, "By hand."], "answered")


@pytest.mark.parametrize("first", ["reply", "follow-up"])
def test_a_reply_and_its_follow_up_both_taken_back_leave_a_customer_who_waits(desk, first):
    opened, shown = desk.open_ready()
    picked = desk.pick(shown, role="ann")
    follow_up = write_by_hand(desk, opened, "One more thing.")
    steps = [lambda: undo(desk, picked, "ann"), lambda: retract(desk, follow_up)]
    for step in steps if first == "reply" else reversed(steps):
        assert step().json["message"] == "retracted"
    assert [turn["turn_id"] for turn in queue(desk)] == [opened["turn_id"]]
    again = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "ann").json
    assert again == shown and desk.pick(again, role="ann").status_code == 201


def test_the_newer_turn_stands_if_the_customer_wrote_meanwhile(desk):
    opened = desk.open()
    put_set(desk.engine, opened["turn_id"])
    message_id = write_by_hand(desk, opened)
    newer = desk.say(opened, "customer", "Hello?").json["turn_id"]
    assert retract(desk, message_id).json == {"message": "retracted"}
    assert {turn.id: turn.state for turn in desk.rows(Turn)} == {
        opened["turn_id"]: "superseded",
        newer: "waiting",
    }
    assert desk.row(SuggestionSet).state == "superseded"


def test_only_ones_own_reply_only_once_and_none_of_a_judgement_or_a_customer(desk):
    opened = desk.open()
    message_id = write_by_hand(desk, opened)
    judged = desk.pick(desk.open_ready()[1]).json["message_id"]
    said = desk.row(Message, conversation_id=opened["conversation_id"], position=0).id
    for id, role, status, code in (
        (message_id, "ben", 403, "not_permitted"),
        (judged, "ann", 409, "message_judged"),
        (said, "app", 404, "message_not_found"),
        ("unknown", "ann", 404, "message_not_found"),
    ):
        answer = retract(desk, id, role)
        assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
    assert retract(desk, message_id, "app").json == {"message": "retracted"}
    assert retract(desk, message_id).json["error"]["code"] == "already_undone"
