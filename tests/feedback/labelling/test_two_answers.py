"""Two answers to choose from: the agent marks a tie and sends both, the customer picks, on both databases."""

import pytest

from feedback.records.from_label import weigh_item
from feedback.store.engine import read
from feedback.store.labelled_items import read_labelled
from feedback.store.tables import Item, Judgement, Label, Message, Record, Turn
from tests.feedback.desk import make_desk
from tests.feedback.labelling.two_answers import (
    FIRST,
    SECOND,
    TEXTS,
    ask,
    find_code,
    list_said,
    offer,
    pick,
    see,
    send_both,
)


@pytest.fixture
def desk(store_engine, tmp_path):
    return make_desk(store_engine, tmp_path, two_answers=True)


def test_both_are_shown_once_the_undo_window_is_over_and_are_no_message_before_the_pick(desk):
    opened = ask(desk)
    assert send_both(desk, opened).status_code == 201
    assert see(desk, opened) is None
    desk.clock.advance(10)
    shown = see(desk, opened)
    assert {shown["first"], shown["second"]} == {TEXTS[0], TEXTS[2]}
    assert see(desk, opened, "app") == see(desk, opened, "agent") == shown
    assert [role for role, _ in list_said(desk, opened)] == ["customer"]
    assert set(shown) == {"message_id", "first", "second"}


@pytest.mark.parametrize(
    ("answer", "text", "side"), [(FIRST, FIRST, "a"), (SECOND, SECOND, "b"), ("both", FIRST, "tie")]
)
def test_the_pick_becomes_the_reply_and_a_label(desk, answer, text, side):
    opened = offer(desk)
    shown = see(desk, opened)
    stored = pick(desk, opened, answer, dwell_ms=4000)
    assert stored.status_code == 201, stored.text
    assert list_said(desk, opened)[-1] == ("agent", shown[text]) and see(desk, opened) is None
    label, item = desk.row(Label), desk.row(Item)
    assert (label.id, label.value, label.role) == (stored.json["label_id"], {"side": side}, "visitor")
    assert (label.labeller, label.dwell_ms) == (f"visitor:{opened['conversation_id']}", 4000)
    assert (item.state, item.subject_kind, item.outcome) == ("settled", "message", {"side": side})
    assert (item.shown["a"], item.shown["b"]) == (shown["first"], shown["second"])
    assert "2345678" not in str(item.shown)
    message = desk.row(Message, id=opened["message_id"])
    assert {reply["candidate_id"]: reply["text"] for reply in opened["shown"]["candidates"]}[
        message.candidate_id
    ] == shown[text]


def test_the_tie_and_the_pick_are_two_records_that_say_different_things(desk):
    opened = offer(desk)
    pick(desk, opened, SECOND)
    tie, picked = desk.row(Record, origin_kind="judgement"), desk.row(Record, origin_kind="label")
    assert (tie.settled, tie.pairs) == ("tie", 4)  # each of the two over each of the other two
    assert (picked.settled, picked.pairs) == ("pick", 1)  # the second over the first
    with read(desk.engine) as session:
        (item,) = read_labelled(session, item_ids=[desk.row(Item).id])
    assert weigh_item(item) == 1.0


def test_after_neither_the_turn_waits_again_with_its_set(desk):
    opened = offer(desk)
    assert pick(desk, opened, "neither").status_code == 201
    assert desk.row(Turn).state == "waiting" and see(desk, opened) is None
    assert [role for role, _ in list_said(desk, opened)] == ["customer"]
    assert desk.row(Label).value == {"side": "both_bad"}
    assert [row.kind for row in sorted(desk.rows(Judgement), key=lambda row: row.created_at)] == [
        "tie",
        "undo",
    ]
    refused = send_both(desk, opened)
    assert find_code(refused) == (409, "two_answers_given")
    assert desk.judge(opened["shown"], "own", text="It left today.").status_code == 201
    desk.clock.advance(10)
    assert list_said(desk, opened)[-1] == ("agent", "It left today.")


def test_undo_takes_both_back_before_they_are_shown_and_withdraws_the_tie_afterwards(desk):
    opened = ask(desk)
    sent = send_both(desk, opened).json
    undone = desk.post(f"/v1/judgements/{sent['judgement_id']}/undo", "agent")
    assert undone.json["message"] == "retracted" and desk.row(Turn).state == "waiting"
    desk.clock.advance(10)
    assert see(desk, opened) is None
    again = send_both(desk, opened).json
    desk.clock.advance(10)
    shown = see(desk, opened)
    late = desk.post(f"/v1/judgements/{again['judgement_id']}/undo", "agent")
    assert late.json["message"] == "sent" and see(desk, opened) == shown
    assert pick(desk, opened, "neither", message_id=shown["message_id"]).status_code == 201
    assert desk.row(Turn).state == "waiting"


def test_a_second_pick_and_another_conversations_are_refused(desk):
    opened, other = offer(desk), ask(desk)
    shown = see(desk, opened)
    assert pick(desk, other, FIRST, message_id=shown["message_id"]).status_code == 409
    assert pick(desk, opened, FIRST).status_code == 201
    assert pick(desk, opened, SECOND, message_id=shown["message_id"]).status_code == 409
    assert list_said(desk, opened)[-1][1] == shown["first"]


def test_only_a_tie_of_two_sends_both(desk):
    opened = ask(desk)
    assert send_both(desk, opened, at=(0, 1, 2)).status_code == 422
    assert (
        desk.judge(
            opened["shown"], "pick", candidate_id=opened["shown"]["candidates"][0]["candidate_id"], both=True
        ).status_code
        == 422
    )
    assert desk.rows(Message, role="agent") == []


def test_both_are_sent_only_where_it_is_switched_on(sqlite_desk):
    refused = send_both(sqlite_desk, ask(sqlite_desk))
    assert find_code(refused) == (409, "two_answers_off")
    assert sqlite_desk.rows(Message, role="agent") == []
