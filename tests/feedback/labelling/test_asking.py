"""The question after a conversation: asked once, answered or skipped, on both databases."""

from uuid import uuid4

import pytest
from sqlmodel import select

from feedback.store.engine import read
from feedback.store.tables import Assignment, Item, Label, Record
from tests.feedback.desk import put_set
from tests.feedback.labelling.tasks import add_task, take

TEXTS = ("We shall send it today.", "Look for yourself.", "Tomorrow at the latest.", "No idea.")


def talk(desk, text="Where is my lamp? Call +49 171 2345678."):
    """A conversation whose question is answered by the first card."""
    opened = desk.open(text)
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": text}]
    put_set(desk.engine, opened["turn_id"], texts=TEXTS, messages=messages)
    sent = desk.pick(desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json)
    desk.clock.advance(10)  # released
    return opened | {"message_id": sent.json["message_id"]}


def path(opened):
    return f"/v1/conversations/{opened['conversation_id']}/question"


def asked(desk, opened):
    answer = desk.get(path(opened), opened["visitor_token"])
    assert answer.status_code == 200, answer.text
    return answer.json["question"]


def answer(desk, opened, score, **more):
    question = {"task_id": more.pop("task_id"), "message_id": opened["message_id"]}
    return desk.post(path(opened), opened["visitor_token"], score=score, **question, **more)


def add_question(desk, **fields):
    told = {"tier": 0, "overlap_min": 1, "confidence": 0.0, "question": {"text": "Did that help?"}} | fields
    task, _ = add_task(desk.engine, told.pop("kind", "rate"), items=0, **told)
    return task


@pytest.mark.parametrize(
    "fields",
    [{"tier": 1}, {"state": "draft"}, {"state": "closed"}, {"kind": "compare"}, {"assigned": ["ann"]}],
)
def test_nothing_is_asked_unless_a_rate_task_of_tier_0_is_open(sqlite_desk, fields):
    desk, opened = sqlite_desk, talk(sqlite_desk)
    desk.clock.advance(3600)
    assert asked(desk, opened) is None
    add_question(desk, **fields)
    assert asked(desk, opened) is None
    task = add_question(desk)
    assert asked(desk, opened) == {
        "task_id": task.id,
        "message_id": opened["message_id"],
        "text": "Did that help?",
    }


def test_it_is_asked_a_minute_after_an_answer_and_no_more_once_the_customer_writes(desk):
    add_question(desk)
    opened = desk.open("Where is my lamp?")
    assert asked(desk, opened) is None
    opened = talk(desk)
    early = desk.get(path(opened), opened["visitor_token"]).json
    assert early["question"] is None and early["asked_from"] is not None
    desk.clock.advance(60)
    assert asked(desk, opened) is not None
    said = desk.say(opened, "customer", "And the other one?", by=opened["visitor_token"])
    assert said.status_code == 201 and asked(desk, opened) is None


def test_an_answer_is_a_label_of_the_customer_and_a_thumb_to_learn_from(desk):
    task, opened = add_question(desk), talk(desk)
    desk.clock.advance(60)
    stored = answer(desk, opened, 5, task_id=task.id, dwell_ms=4000)
    assert stored.status_code == 201, stored.text
    key = f"visitor:{opened['conversation_id']}"
    label = desk.row(Label, id=stored.json["label_id"])
    assert (label.labeller, label.role, label.value, label.dwell_ms) == (key, "visitor", {"score": 5}, 4000)
    item = desk.row(Item, id=label.item_id)
    assert (item.state, item.outcome, item.subject_id) == ("settled", {"score": 5}, opened["message_id"])
    assert item.shown["reply"] == TEXTS[0] and "2345678" not in str(item.shown)
    record = desk.row(Record, origin_kind="label")
    assert (record.kind, record.rejection, record.conversation) == ("thumb", None, opened["conversation_id"])
    assert asked(desk, opened) is None
    again = answer(desk, opened, 1, task_id=task.id)
    assert (again.status_code, again.json["error"]["code"]) == (409, "question_over")
    with read(desk.engine) as session:
        assert len(session.exec(select(Label)).all()) == 1


def test_a_skipped_question_comes_to_nobody_else_and_is_not_asked_again(desk):
    task, opened = add_question(desk), talk(desk)
    desk.clock.advance(60)
    assert answer(desk, opened, None, task_id=task.id).json == {"label_id": None}
    assert asked(desk, opened) is None and take(desk, task, "ann") is None
    assert (desk.row(Item).state, desk.row(Item).reason) == ("dropped", "skipped")
    assert desk.row(Assignment).state == "passed" and desk.rows(Label) == []


def test_a_customer_has_the_question_of_their_own_conversation_alone(desk):
    task, opened, other = add_question(desk), talk(desk), talk(desk, "And mine?")
    desk.clock.advance(60)
    assert desk.get(path(opened), other["visitor_token"]).status_code in (403, 404)
    stolen = desk.post(
        path(other), other["visitor_token"], task_id=task.id, score=1, message_id=opened["message_id"]
    )
    assert (stolen.status_code, stolen.json["error"]["code"]) == (409, "question_over")
    assert desk.rows(Item) == []


def test_a_question_of_a_task_that_is_closed_meanwhile_is_over(desk):
    task, opened = add_question(desk), talk(desk)
    desk.clock.advance(60)
    assert asked(desk, opened) is not None
    assert desk.post(f"/v1/tasks/{task.id}/state", "expert", state="closed").status_code == 200
    told = answer(desk, opened, 4, task_id=task.id)
    assert (told.status_code, told.json["error"]["code"]) == (409, "question_over")


def test_an_app_asks_for_its_customer_and_may_repeat_an_answer(desk):
    task, opened = add_question(desk), talk(desk)
    desk.clock.advance(60)
    assert desk.get(path(opened)).json["question"]["task_id"] == task.id
    told = {"task_id": task.id, "message_id": opened["message_id"], "score": 2, "event_id": str(uuid4())}
    first, second = (desk.post(path(opened), "app", **told) for _ in range(2))
    assert first.json == second.json and len(desk.rows(Label)) == 1
    assert desk.row(Label).labeller == f"visitor:{opened['conversation_id']}"
