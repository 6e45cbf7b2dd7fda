"""An agent's own day: counts and speed, and what of the last ten minutes can be taken back."""

from urllib.parse import quote

import pytest

from feedback.store.customers import name_customer
from tests.feedback.api.test_closings import close, reopen
from tests.feedback.api.test_judgements import undo
from tests.feedback.api.test_retractions import retract, write_by_hand
from tests.feedback.desk import TEXTS, add_strangers


def read_day(desk, role="ann", **query):
    answer = desk.get("/v1/day?" + "&".join(f"{k}={quote(v)}" for k, v in query.items()), role)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_every_decision_counts_under_its_kind_and_nobody_elses(desk):
    ids = [card["candidate_id"] for card in desk.open_ready()[1]["candidates"]]
    assert len(ids) == 4
    desk.pick(desk.open_ready()[1], role="ann", dwell_ms=4000)
    desk.pick(desk.open_ready()[1], role="ann", dwell_ms=10_000)
    first = desk.open_ready()[1]
    desk.judge(first, "none", "ann", dwell_ms=100)
    desk.judge(first, "own", "ann", text="By hand.", dwell_ms=60_000)
    desk.judge(desk.open_ready()[1], "skip", "ann", dwell_ms=1)
    write_by_hand(desk, desk.open())
    close(desk, [desk.open()["turn_id"]], "ann", reason="no_reply")
    close(desk, add_strangers(desk, ["Spam"] * 3), "ann")
    desk.pick(desk.open_ready()[1], role="ben", dwell_ms=1)
    write_by_hand(desk, desk.open(), by="ben")
    close(desk, add_strangers(desk, ["Spam"]), "ben")
    day = read_day(desk)
    assert day["decisions"] == {"pick": 2, "own": 2, "none": 1, "skip": 1, "no_reply": 1, "spam": 3}
    assert day["median_s"] == 10.0  # of 4, 10 and 60: none and skip send nothing
    assert read_day(desk, "ben")["decisions"] == {"pick": 1, "own": 1, "spam": 1}
    assert read_day(desk, "eva") | {"since": ""} == {
        "since": "",
        "decisions": {},
        "median_s": None,
        "recent": [],
    }


def test_what_was_taken_back_counts_no_more(desk):
    undo(desk, desk.pick(desk.open_ready()[1], role="ann", dwell_ms=5), "ann")
    retract(desk, write_by_hand(desk, desk.open()))
    turn_id = desk.open()["turn_id"]
    close(desk, [turn_id], "ann", reason="no_reply")
    reopen(desk, [turn_id], "ann")
    day = read_day(desk)
    assert (day["decisions"], day["median_s"], day["recent"]) == ({}, None, [])


def test_the_day_begins_at_the_readers_midnight_and_is_no_longer_than_a_day(desk):
    desk.pick(desk.open_ready()[1], role="ann")
    desk.clock.advance(3600)
    midnight = desk.clock.now().isoformat()
    desk.clock.advance(60)
    close(desk, [desk.open()["turn_id"]], "ann", reason="no_reply")
    assert read_day(desk, since=midnight)["decisions"] == {"no_reply": 1}
    assert read_day(desk)["decisions"] == {"no_reply": 1, "pick": 1}
    desk.clock.advance(25.5 * 3600)
    assert read_day(desk)["decisions"] == {}
    assert read_day(desk, since="1999-01-01T00:00:00Z")["decisions"] == {"no_reply": 1}


def test_each_send_tells_its_customer_its_words_and_how_long_it_waits(desk):
    opened, shown = desk.open_ready()
    picked = desk.pick(shown, 1, "ann").json
    desk.clock.advance(3)
    anna = desk.open("Where is it?", language="en", customer_details=["Anna"], customer_id="c-7")
    by_hand = write_by_hand(desk, anna)
    desk.clock.advance(1)
    second, first = read_day(desk)["recent"]
    assert first | {"at": ""} == {
        "kind": "pick",
        "state": "waits",
        "left_s": 1.0,
        "at": "",
        "turn_ids": [opened["turn_id"]],
        "conversation_id": opened["conversation_id"],
        "language": None,
        "customer": None,
        "asked": "Where is my order 1042?",
        "text": TEXTS[1],
        "message_id": picked["message_id"],
        "judgement_id": picked["judgement_id"],
        "candidate_id": shown["candidates"][1]["candidate_id"],
    }
    assert second | {"at": ""} == {
        "kind": "own",
        "state": "waits",
        "left_s": 4.0,
        "at": "",
        "turn_ids": [anna["turn_id"]],
        "conversation_id": anna["conversation_id"],
        "language": "en",
        "customer": "Anna",
        "asked": "Where is it?",
        "text": "By hand.",
        "message_id": by_hand,
        "judgement_id": None,
        "candidate_id": None,
    }
    desk.clock.advance(1)
    assert [(deed["state"], deed["left_s"]) for deed in read_day(desk)["recent"]] == [
        ("waits", 3.0),
        ("sent", 0.0),
    ]


def test_a_choice_that_was_withdrawn_says_so_and_the_list_is_ten_minutes_long(desk):
    picked = desk.pick(desk.open_ready()[1], role="ann")
    desk.clock.advance(5)
    undo(desk, picked, "ann")
    assert [deed["state"] for deed in read_day(desk)["recent"]] == ["withdrawn"]
    desk.clock.advance(595)
    assert len(read_day(desk)["recent"]) == 1
    desk.clock.advance(0.1)
    assert read_day(desk)["recent"] == []


def test_turns_closed_together_are_taken_back_together(desk):
    strangers = add_strangers(desk, ["Spam", "More spam"])
    close(desk, strangers, "ann")
    desk.clock.advance(1)
    thanks = desk.open("Thank you, bye")["turn_id"]
    close(desk, [thanks], "ann", reason="no_reply")
    recent = read_day(desk)["recent"]
    assert [(deed["kind"], deed["state"], deed["turn_ids"], deed["asked"]) for deed in recent] == [
        ("no_reply", "closed", [thanks], "Thank you, bye"),
        ("spam", "closed", strangers, "Spam"),
    ]
    reopen(desk, strangers, "ann")
    assert [deed["kind"] for deed in read_day(desk)["recent"]] == ["no_reply"]


def test_an_app_asks_for_one_of_its_agents(desk):
    desk.pick(desk.open_ready()[1], role="app", agent="zoe")
    assert read_day(desk, "app", agent="zoe")["decisions"] == {"pick": 1}
    assert read_day(desk, "app")["decisions"] == {}
    assert desk.get("/v1/day?agent=zoe", "ann").status_code == 403


def test_an_agents_day_knows_no_arm_and_no_adapter(desk):
    desk.pick(desk.open_ready()[1], 1, "ann")
    said = desk.get("/v1/day", "ann").text
    assert "tuned-2026" not in said and "arm" not in said and "adapter" not in said


def test_what_was_erased_is_not_listed(desk):
    opened, shown = desk.open_ready()
    desk.pick(shown, role="ann")
    closed = desk.open()
    close(desk, [closed["turn_id"]], "ann", reason="no_reply")
    for one in (opened, closed):
        path = f"/v1/conversations/{one['conversation_id']}/erasure"
        assert desk.post(path, one["visitor_token"]).status_code < 300
    day = read_day(desk)
    assert (day["recent"], day["decisions"]) == ([], {"pick": 1, "no_reply": 1})


@pytest.mark.parametrize(
    ("customer_id", "details", "name"),
    [
        (None, [], None),
        ("c-7", [], "c-7"),
        ("c-7", ["ann@example.org", "12 Main Street"], "c-7"),
        ("c-7", ["+49 30 1234", "Ann Lee", "Lee"], "Ann Lee"),
        (None, ["王小明"], "王小明"),
    ],
)
def test_a_customer_is_called_by_their_name_else_by_their_id(customer_id, details, name):
    assert name_customer(customer_id, details) == name
