"""How two answers end without a pick, what others do meanwhile, and who comes first; on both databases."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from sqlmodel import select

from feedback.records.from_judgement import ShownReply
from feedback.store.engine import open_engine, read, unit_of_work
from feedback.store.label_subjects import SET
from feedback.store.tables import Candidate, Item, Label, Message, Record, Task, Turn, TwoAnswers
from feedback.store.two_answers import offer_both, put_in_order
from feedback.web.services import EXTENSION
from tests.feedback.desk import make_desk
from tests.feedback.labelling.tasks import add_task
from tests.feedback.labelling.two_answers import (
    FIRST,
    SECOND,
    ask,
    find_code,
    list_said,
    offer,
    pick,
    see,
    send_both,
)

WRITER = """
import sys
from pathlib import Path
from feedback.web.services import EXTENSION
from tests.feedback.desk import make_desk
from tests.feedback.labelling.two_answers import offer, pick
from feedback.store.engine import open_engine
desk = make_desk(open_engine(sys.argv[1]), Path(sys.argv[2]), two_answers=True)
for answer in ("first", "second", "both", "neither") * 100:
    opened = offer(desk)
    assert pick(desk, opened, answer, message_id=opened["message_id"]).status_code == 201
    print(opened["message_id"], flush=True)
"""


@pytest.fixture
def desk(store_engine, tmp_path):
    return make_desk(store_engine, tmp_path, two_answers=True)


def list_day(desk, who="agent"):
    answer = desk.get("/v1/day", who)
    assert answer.status_code == 200, answer.text
    return [(deed["state"], deed["left_s"], deed["text"]) for deed in answer.json["recent"]]


def test_who_writes_on_gets_the_first_before_their_words_and_gives_no_label(desk):
    opened = offer(desk)
    shown = see(desk, opened)
    desk.say(opened, "customer", "And the other one?", by=opened["visitor_token"])
    assert list_said(desk, opened)[1:] == [("agent", shown["first"]), ("customer", "And the other one?")]
    late = pick(desk, opened, SECOND, message_id=shown["message_id"])
    assert find_code(late) == (409, "two_answers_over")
    assert desk.rows(Label) == [] and desk.row(TwoAnswers).answer == "wrote_on"


def test_who_wrote_on_in_the_undo_window_is_offered_nothing(desk):
    opened = ask(desk)
    send_both(desk, opened)
    desk.say(opened, "customer", "Hurry!", by=opened["visitor_token"])
    desk.clock.advance(10)
    row = desk.row(TwoAnswers)
    first = desk.row(Candidate, id=row.first_id).text
    assert see(desk, opened) is None and (row.answer, row.shown_at) == ("wrote_on", None)
    assert list_said(desk, opened)[1:] == [("customer", "Hurry!"), ("agent", first)]
    assert sorted(turn.state for turn in desk.rows(Turn)) == ["answered", "waiting"]


def test_what_an_agent_writes_by_hand_comes_after_the_first(desk):
    opened = offer(desk)
    shown = see(desk, opened)
    desk.say(opened, "agent", "It left this morning.", by="ben")
    assert see(desk, opened) is None
    desk.clock.advance(10)
    assert list_said(desk, opened)[1:] == [("agent", shown["first"]), ("agent", "It left this morning.")]
    assert find_code(pick(desk, opened, FIRST, message_id=shown["message_id"])) == (409, "two_answers_over")


def test_the_agent_sees_for_ever_that_nobody_picked_and_sends_the_first(desk):
    opened = ask(desk)
    send_both(desk, opened)
    first = desk.row(Candidate, id=desk.row(TwoAnswers).first_id).text
    assert list_day(desk) == [("waits", 5.0, first)]
    desk.clock.advance(10)
    assert list_day(desk) == [("offered", 0.0, first)]
    desk.clock.advance(3 * 3600)
    assert list_day(desk) == [("offered", 0.0, first)] and list_day(desk, "ben") == []
    path = f"/v1/messages/{desk.row(TwoAnswers).message_id}/release"
    assert desk.post(path, "agent").status_code == 200
    assert list_said(desk, opened)[1:] == [("agent", first)] and see(desk, opened) is None
    assert list_day(desk) == [] and desk.rows(Label) == [] and desk.row(TwoAnswers).answer == "released"
    assert find_code(desk.post(path, "agent")) == (409, "two_answers_over")
    assert desk.row(Record).settled == "tie"


def test_only_two_answers_can_be_released_by_hand(sqlite_desk):
    opened = ask(sqlite_desk)
    sent = sqlite_desk.pick(opened["shown"]).json
    held = sqlite_desk.post(f"/v1/messages/{sent['message_id']}/release", "agent")
    assert find_code(held) == (409, "two_answers_over")
    assert [role for role, _ in list_said(sqlite_desk, opened)] == ["customer"]
    other = sqlite_desk.post(f"/v1/messages/{opened['turn_id']}/release", "agent")
    assert find_code(other) == (404, "message_not_found")


def test_undo_after_the_pick_withdraws_the_tie_and_leaves_the_pick(desk):
    opened = offer(desk)
    pick(desk, opened, SECOND)
    undone = desk.post(f"/v1/judgements/{opened['judgement_id']}/undo", "agent")
    assert undone.json["message"] == "sent" and len(list_said(desk, opened)) == 2
    tie, picked = desk.row(Record, origin_kind="judgement"), desk.row(Record, origin_kind="label")
    assert (tie.rejection, picked.settled, picked.pairs) == ("undone", "pick", 1)


def test_undo_after_neither_is_refused_since_it_was_taken_back_already(desk):
    opened = offer(desk)
    pick(desk, opened, "neither")
    undone = desk.post(f"/v1/judgements/{opened['judgement_id']}/undo", "agent")
    assert find_code(undone) == (409, "already_undone")
    assert desk.row(Turn).state == "waiting"


def test_a_reply_that_was_taken_back_meanwhile_is_not_shown(desk):
    opened = ask(desk)
    sent = send_both(desk, opened).json
    desk.post(f"/v1/judgements/{sent['judgement_id']}/undo", "agent")
    with unit_of_work(desk.engine) as session:  # a releaser that found it held before the undo
        assert not offer_both(session, message_id=sent["message_id"], now=desk.clock.now())
    assert desk.row(TwoAnswers).shown_at is None


def test_of_two_windows_that_pick_at_once_one_is_heard(desk):
    opened = offer(desk)
    shown, start, answers = see(desk, opened), threading.Barrier(6), []

    def answer(said):
        start.wait()
        answers.append((said, pick(desk, opened, said, message_id=shown["message_id"]).status_code))

    people = [threading.Thread(target=answer, args=[said]) for said in (FIRST, SECOND, "both") * 2]
    for each in people:
        each.start()
    for each in people:
        each.join()
    assert sorted(code for _, code in answers) == [201, 409, 409, 409, 409, 409]
    (heard,) = [said for said, code in answers if code == 201]
    assert list_said(desk, opened)[1:] == [("agent", shown[SECOND if heard == SECOND else FIRST])]
    assert desk.row(TwoAnswers).answer == heard and len(desk.rows(Label)) == len(desk.rows(Task)) == 1


def test_a_pick_and_a_release_at_once_are_one_of_them(desk):
    opened = offer(desk)
    shown, start, codes = see(desk, opened), threading.Barrier(2), {}

    def run(name, call):
        start.wait()
        codes[name] = call().status_code

    path = f"/v1/messages/{shown['message_id']}/release"
    calls = {
        "pick": lambda: pick(desk, opened, SECOND, message_id=shown["message_id"]),
        "release": lambda: desk.post(path, "agent"),
    }
    people = [threading.Thread(target=run, args=each) for each in calls.items()]
    for each in people:
        each.start()
    for each in people:
        each.join()
    by_customer = codes == {"pick": 201, "release": 409}
    assert by_customer or codes == {"pick": 409, "release": 200}
    assert list_said(desk, opened)[1:] == [("agent", shown[SECOND if by_customer else FIRST])]
    assert len(desk.rows(Label)) == by_customer


def test_what_is_offered_stays_answerable_after_the_switch_is_off(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path, two_answers=True)
    opened = offer(desk)
    found = desk.app.extensions[EXTENSION]
    off = replace(found, settings=found.settings.model_copy(update={"two_answers": False}))
    desk.app.extensions[EXTENSION] = off
    shown = see(desk, opened)
    assert find_code(send_both(desk, ask(desk))) == (409, "two_answers_off")
    assert pick(desk, opened, SECOND).status_code == 201
    assert list_said(desk, opened)[1:] == [("agent", shown["second"])]


def test_erasure_leaves_nothing_to_pick_and_nothing_held(desk):
    opened = offer(desk)
    erased = desk.post(f"/v1/conversations/{opened['conversation_id']}/erasure", opened["visitor_token"])
    assert erased.status_code < 300, erased.text
    message_id = desk.row(TwoAnswers).message_id
    assert pick(desk, opened, FIRST).status_code in (401, 410) and see(desk, opened, "app") is None
    path = f"/v1/conversations/{opened['conversation_id']}/two-answers"
    assert find_code(desk.post(path, "app", message_id=message_id, answer=FIRST)) == (
        410,
        "conversation_erased",
    )
    assert find_code(desk.post(f"/v1/messages/{message_id}/release", "agent")) == (410, "conversation_erased")
    assert list_day(desk) == [] and desk.rows(Label) == []


def test_erasure_after_a_pick_takes_the_texts_of_its_item(desk):
    opened = offer(desk)
    pick(desk, opened, FIRST)
    desk.post(f"/v1/conversations/{opened['conversation_id']}/erasure", opened["visitor_token"])
    (item,) = desk.rows(Item)
    assert not any(str(text) in str(item.shown) for text in ("We shall", "Tomorrow", "lamp"))
    assert {row.rejection for row in desk.rows(Record)} == {"erased"}


def test_tasks_of_others_are_left_alone(desk):
    assigned, _ = add_task(desk.engine, tier=0, assigned=["ann"], items=0)
    add_task(desk.engine, tier=0, kind="rate", items=0)
    pick(desk, offer(desk), FIRST)
    assert {row.state for row in desk.rows(Item)} == {"settled"}
    assert desk.row(Item).task_id not in {assigned.id} and len(desk.rows(Task)) == 3


def test_a_task_that_has_the_set_already_takes_the_pick_too(desk):
    task, _ = add_task(desk.engine, tier=0, overlap_min=1, overlap_max=1, confidence=0.0, items=1)
    opened = offer(desk)
    with unit_of_work(desk.engine) as session:
        item = session.exec(select(Item)).one()
        item.subject_kind, item.subject_id = SET, desk.row(TwoAnswers).set_id
    assert pick(desk, opened, SECOND).status_code == 201
    assert [row.task_id for row in desk.rows(Item)] == [task.id] * 2 and len(desk.rows(Task)) == 1


def test_the_order_tells_neither_the_arms_nor_what_was_named_first():
    def order(number, arms, named):
        replies = [ShownReply(f"card {slot}", slot, "Yes.", arm) for slot, arm in enumerate(arms)]
        return put_in_order(replies, named, f"set {number}")

    ids = ["card 0", "card 1"]
    orders = [order(number, ("base", "tuned"), ids) for number in range(1000)]
    assert orders == [order(number, ("tuned", "base"), ids[::-1]) for number in range(1000)]
    assert 400 < sum(each[0] == "card 0" for each in orders) < 600


@pytest.mark.parametrize("acknowledged", [6])
def test_after_a_kill_each_pick_is_there_as_a_whole_or_not_at_all(store_engine, tmp_path, acknowledged):
    url = store_engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", WRITER, url, str(tmp_path)]
    heard = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            heard.append(line.strip())
            if len(heard) == acknowledged:
                os.kill(writer.pid, signal.SIGKILL)
    after = open_engine(url)
    with read(after) as session:
        pairs = {row.message_id: row.answer for row in session.exec(select(TwoAnswers))}
        released = {row.id for row in session.exec(select(Message)) if row.release_no is not None}
        labelled = {row.subject_id for row in session.exec(select(Item))}
        labels = len(session.exec(select(Label)).all())
    after.dispose()
    said = {id for id, answer in pairs.items() if answer is not None}
    assert set(heard) <= said and len(heard) >= acknowledged
    assert labelled == said and labels == len(said)
    assert {id for id in said if pairs[id] != "neither"} == released & set(pairs)
