"""Turns that need no reply are closed, many at once, and opened again."""

from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest

from feedback.datasets.collect import Collector
from feedback.datasets.selection import Selection
from feedback.experiments.support import support_of
from feedback.records.redact import Redactor
from feedback.store.closings import count_closings
from feedback.store.engine import read
from feedback.store.overview import count_inflow
from feedback.store.tables import Conversation, SuggestionSet, Turn
from tests.feedback.api.test_queue import queue
from tests.feedback.desk import add_strangers, put_set


def close(desk, turn_ids, role="agent", reason="spam", **body):
    return desk.post("/v1/turns/close", role, turn_ids=turn_ids, reason=reason, **body)


def reopen(desk, turn_ids, role="agent", **body):
    return desk.post("/v1/turns/reopen", role, turn_ids=turn_ids, **body)


def test_two_hundred_are_closed_at_once_and_the_customer_behind_them_is_first(desk):
    strangers = add_strangers(desk, ["Spam"] * 200)
    customer = desk.open()["turn_id"]
    answer = close(desk, strangers)
    assert (answer.status_code, answer.json) == (200, {"closed": strangers, "left": []})
    assert [turn["turn_id"] for turn in queue(desk)] == [customer]
    closed = desk.rows(Turn, state="closed")
    assert len(closed) == 200
    assert {(turn.closed_as, turn.closed_by) for turn in closed} == {("spam", desk.users["ann"])}


def test_a_repeated_closing_gets_its_answer_again(desk):
    turn_ids = add_strangers(desk, ["Spam", "More spam"])
    event_id = str(uuid4())
    first = close(desk, turn_ids, event_id=event_id)
    reopen(desk, turn_ids)
    assert close(desk, turn_ids, event_id=event_id).json == first.json
    assert len(queue(desk)) == 2
    conflict = close(desk, turn_ids[:1], event_id=event_id)
    assert (conflict.status_code, conflict.json["error"]["code"]) == (409, "event_conflict")


def test_undoing_brings_all_back_in_their_order_with_their_sets(desk):
    turn_ids = add_strangers(desk, ["Spam"] * 5)
    ready, failed, begun, bare, _ = turn_ids
    put_set(desk.engine, ready)
    put_set(desk.engine, failed, state="failed")
    put_set(desk.engine, begun, state="preparing")
    close(desk, turn_ids)
    assert {row.state for row in desk.rows(SuggestionSet)} == {"superseded"}
    assert queue(desk) == []
    assert reopen(desk, turn_ids).json == {"reopened": turn_ids, "left": []}
    assert [(turn["turn_id"], turn["set_state"]) for turn in queue(desk)] == [
        (ready, "ready"),
        (failed, "failed"),
        (begun, "preparing"),
        (bare, None),
        (turn_ids[4], None),
    ]
    shown = desk.get(f"/v1/turns/{ready}/suggestions", "agent").json
    assert desk.pick(shown).status_code == 201
    assert reopen(desk, turn_ids).json == {"reopened": [], "left": turn_ids}


def test_what_a_colleague_answers_or_has_answered_is_left(desk):
    opened, shown = desk.open_ready()
    desk.pick(shown, role="ben")
    taken, mine, free = add_strangers(desk, ["One", "Two", "Three"])
    desk.post(f"/v1/turns/{taken}/claim", "ben")
    desk.post(f"/v1/turns/{mine}/claim", "ann")
    answer = close(desk, [opened["turn_id"], taken, mine, free], "ann").json
    assert answer == {"closed": [mine, free], "left": [opened["turn_id"], taken]}


def test_the_next_message_opens_a_new_turn_and_the_closed_one_stays_closed(desk):
    opened = desk.open("Buy gold")
    close(desk, [opened["turn_id"]])
    again = desk.say(opened, "customer", "I meant it", by=opened["visitor_token"]).json["turn_id"]
    assert [turn["turn_id"] for turn in queue(desk)] == [again]
    assert reopen(desk, [opened["turn_id"]]).json["left"] == [opened["turn_id"]]
    assert [turn["turn_id"] for turn in queue(desk)] == [again]


def test_a_closed_turn_takes_no_judgement(desk):
    opened, shown = desk.open_ready()
    close(desk, [opened["turn_id"]])
    refused = desk.pick(shown)
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "already_judged")
    assert desk.post(f"/v1/turns/{opened['turn_id']}/claim", "ann").status_code == 409


def test_what_erasure_closed_stays_closed(desk):
    opened = desk.open()
    close(desk, [opened["turn_id"]])
    path = f"/v1/conversations/{opened['conversation_id']}/erasure"
    assert desk.post(path, opened["visitor_token"]).status_code < 300
    assert reopen(desk, [opened["turn_id"]]).json["left"] == [opened["turn_id"]]


def test_an_app_closes_for_its_agents(desk):
    [turn_id] = add_strangers(desk, ["Spam"])
    assert close(desk, [turn_id], "app", agent="zoe").json["closed"] == [turn_id]
    assert desk.row(Turn, id=turn_id).closed_by == "app:zoe"
    assert desk.row(Conversation).stranger_hash is not None


def test_thanks_wait_no_longer_and_come_back_with_the_same_suggestions(desk):
    opened, shown = desk.open_ready()
    turn_id = opened["turn_id"]
    assert close(desk, [turn_id], reason="no_reply").json == {"closed": [turn_id], "left": []}
    closed = desk.row(Turn)
    assert (closed.state, closed.closed_as, closed.closed_by) == ("closed", "no_reply", desk.users["ann"])
    assert queue(desk) == []
    assert [said["text"] for said in desk.messages(opened, opened["visitor_token"])] == [
        "Where is my order 1042?"
    ]
    assert reopen(desk, [turn_id]).json == {"reopened": [turn_id], "left": []}
    assert desk.get(f"/v1/turns/{turn_id}/suggestions", "agent").json == shown
    assert desk.pick(shown).status_code == 201


def test_a_closing_is_no_judgement_counts_in_no_rate_and_is_told_with_its_reason(desk):
    for reason in ("no_reply", "no_reply", "spam"):
        close(desk, [desk.open_ready()[0]["turn_id"]], reason=reason)
    closed_again = desk.open_ready()[0]["turn_id"]
    close(desk, [closed_again], reason="no_reply")
    reopen(desk, [closed_again])
    with read(desk.engine) as session:
        support = support_of(session, "tuned-20261122-1")
        inflow = count_inflow(session, desk_id="default", since=None)
        later = count_inflow(session, desk_id="default", since=desk.clock.now() + timedelta(seconds=1))
    assert (support.judgements, support.tally.counted, support.left_out) == (0, 0, {})
    assert (inflow.judgements, inflow.closings) == ({}, {"no_reply": 2, "spam": 1})
    assert later.closings == {}
    for address in ("/console", "/console/funnel", f"/console/funnel?agent={desk.users['ann']}"):
        page = desk.get(address, "eva").text
        assert "no reply needed" in page and "closed as spam" in page, address
    others = f"/console/funnel?agent={desk.users['ben']}"
    assert "no reply needed" not in desk.get(others, "eva").text


def test_closings_are_counted_by_language_whatever_its_region(desk):
    for language in ("en-GB", "en", "zh-CN", None):
        close(desk, [desk.open("Bye", language=language)["turn_id"]], reason="no_reply")
    with read(desk.engine) as session:
        counted = {
            language: count_closings(session, desk_id="default", since=None, language=language)
            for language in ("en", "zh", "e")
        }
    assert counted == {"en": {"no_reply": 2}, "zh": {"no_reply": 1}, "e": {}}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"turn_ids": [], "reason": "spam"}, 422, "body_invalid"),
        ({"turn_ids": ["x"] * 201, "reason": "spam"}, 422, "body_invalid"),
        ({"turn_ids": ["x"], "reason": "dull"}, 422, "body_invalid"),
        ({"turn_ids": ["x"]}, 422, "body_invalid"),
        ({"turn_ids": ["x"], "reason": "spam", "agent": "zoe"}, 422, "body_invalid"),
        ({"turn_ids": ["x"], "reason": "spam"}, 404, "turn_not_found"),
    ],
)
def test_an_unfit_closing_is_refused(sqlite_desk, body, status, code):
    answer = sqlite_desk.post("/v1/turns/close", "ann", **body)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)


def test_nothing_is_learnt_from_a_closed_turn(desk):
    opened, shown = desk.open_ready()
    desk.judge(shown, "none")
    close(desk, [opened["turn_id"]])
    until = desk.clock.now() + timedelta(seconds=1)
    redactor = Redactor(b"k" * 32)
    collector = Collector(desk.engine, "default", Selection(), until, redactor, Counter())
    assert list(collector.collect_choices()) == []
    assert desk.judge(shown, "own", text="By hand.").status_code == 409
