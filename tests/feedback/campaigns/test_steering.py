"""What customers get and what a task is filled with, in what belongs to an open campaign and nowhere else."""

from datetime import timedelta
from uuid import uuid4

import pytest

from feedback.campaigns.filling import CampaignFiller
from feedback.store.tables import Conversation, Item, Label, Task
from tests.feedback.campaigns.campaigns import pick_about, show, start
from tests.feedback.desk import put_set
from tests.feedback.labelling.tasks import add_task
from tests.feedback.labelling.two_answers import FIRST, find_code, pick, see, send_both

PROMPT = [{"role": "user", "content": "Where is my order 1042?"}]


def ask(desk, opened):
    path = f"/v1/conversations/{opened['conversation_id']}/question"
    return desk.get(path, opened["visitor_token"]).json["question"]


def answer_talk(desk, *tags, **fields):
    """A conversation with an answer to which the customer was silent for a minute."""
    opened = pick_about(desk, *tags, **fields)
    desk.clock.advance(10)  # released
    desk.clock.advance(60)
    return opened


def test_a_campaign_asks_its_question_in_what_belongs_to_it(desk):
    campaign_id = start(desk, asks="question")
    refund, delivery = answer_talk(desk, "refund"), answer_talk(desk, "delivery")
    assert ask(desk, delivery) is None
    question = ask(desk, refund)
    assert question["task_id"] == show(desk, campaign_id)["question_task_id"]
    said = {"task_id": question["task_id"], "message_id": question["message_id"], "score": 4}
    path = f"/v1/conversations/{refund['conversation_id']}/question"
    assert desk.post(path, refund["visitor_token"], **said).status_code == 201
    assert desk.row(Label).value == {"score": 4} and ask(desk, refund) is None
    other = answer_talk(desk, "refund")
    for call, is_asked in (("end", False), ("resume", True)):
        assert desk.post(f"/v1/campaigns/{campaign_id}/{call}", "expert").status_code == 200
        assert (ask(desk, other) is not None) is is_asked
    desk.clock.advance(10 * 86_400)  # its end
    assert ask(desk, other) is None


def test_a_customer_is_asked_by_campaigns_once_a_week(desk):
    start(desk, asks="question")
    for number, (customer, is_asked) in enumerate((("c-1", True), ("c-1", False), ("c-2", True))):
        opened = answer_talk(desk, "refund", customer_id=customer)
        question = ask(desk, opened)
        assert (question is not None) is is_asked, number
        if question is not None:
            said = {"task_id": question["task_id"], "message_id": question["message_id"], "score": None}
            path = f"/v1/conversations/{opened['conversation_id']}/question"
            assert desk.post(path, opened["visitor_token"], **said).status_code == 201
    desk.clock.advance(timedelta(days=7).total_seconds())
    assert ask(desk, answer_talk(desk, "refund", customer_id="c-1")) is not None


def test_a_campaign_asks_no_more_customers_than_its_target(sqlite_desk):
    start(sqlite_desk, asks="question", target=1)
    first, second = answer_talk(sqlite_desk, "refund"), answer_talk(sqlite_desk, "refund")
    question = ask(sqlite_desk, first)
    said = {"task_id": question["task_id"], "message_id": question["message_id"], "score": 2}
    assert ask(sqlite_desk, second) is not None
    path = f"/v1/conversations/{first['conversation_id']}/question"
    assert sqlite_desk.post(path, first["visitor_token"], **said).status_code == 201
    assert ask(sqlite_desk, second) is None


def test_the_question_of_everybody_is_asked_beside_that_of_a_campaign(sqlite_desk):
    everybodys, _ = add_task(sqlite_desk.engine, "rate", items=0, tier=0, overlap_min=1)
    campaign_id = start(sqlite_desk, asks="question")
    own = show(sqlite_desk, campaign_id)["question_task_id"]
    assert ask(sqlite_desk, answer_talk(sqlite_desk, "refund"))["task_id"] == own
    assert ask(sqlite_desk, answer_talk(sqlite_desk, "delivery"))["task_id"] == everybodys.id
    assert sqlite_desk.post(f"/v1/tasks/{own}/state", "expert", state="closed").status_code == 200
    for call in ("end", "resume"):  # what is closed stays so
        assert sqlite_desk.post(f"/v1/campaigns/{campaign_id}/{call}", "expert").status_code == 200
    assert sqlite_desk.row(Task, id=own).state == "closed"


@pytest.mark.parametrize(("tag", "is_given"), [("refund", True), ("delivery", False)])
def test_a_campaign_lets_an_agent_send_two_answers(sqlite_desk, tag, is_given):
    start(sqlite_desk, asks="two_answers")
    opened = sqlite_desk.open(tags=[tag])
    (turn,) = sqlite_desk.get("/v1/queue", "agent").json["turns"]
    assert turn["two_answers"] is is_given
    put_set(sqlite_desk.engine, opened["turn_id"], messages=PROMPT)
    shown = sqlite_desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
    sent = send_both(sqlite_desk, opened | {"shown": shown})
    if not is_given:
        assert find_code(sent) == (409, "two_answers_off")
        return
    assert sent.status_code == 201
    sqlite_desk.clock.advance(10)
    assert see(sqlite_desk, opened) is not None
    assert pick(sqlite_desk, opened, FIRST).status_code == 201


def test_a_task_fills_itself_with_what_comes_in(desk, tmp_path):
    """Of six conversations two belong and came since the start; a third is one more than the target."""
    task, _ = add_task(desk.engine, "tag", items=0, state="draft")
    desk.open(tags=["refund"])
    desk.clock.advance(1)
    campaign_id = start(desk, task_id=task.id, target=2)
    filler = CampaignFiller(store_engine=desk.engine, data_dir=tmp_path, clock=desk.clock)

    def fill():
        filler.sweep()
        filler.wait()
        tagged = {row.id: row.tags for row in desk.rows(Conversation)}
        return [tagged[item.subject_id] for item in desk.rows(Item, task_id=task.id)]

    assert fill() == []
    desk.open(tags=["delivery"])
    desk.open(tags=["refund"])
    assert fill() == fill() == [["refund"]]
    desk.open(tags=["refund", "other"])
    desk.open(tags=["refund", "more"])
    assert len(fill()) == 2
    assert desk.post(f"/v1/campaigns/{campaign_id}/end", "expert").status_code == 200
    desk.open(tags=["refund"])
    assert len(fill()) == 2
    filler.close()


def test_a_campaign_fills_no_task_that_takes_no_items(sqlite_desk):
    task, _ = add_task(sqlite_desk.engine, "tag", items=0, state="closed")
    said = {"name": "A", "tags": ["refund"], "target": 1, "ends_at": "2027-12-01T00:00:00Z"}
    for task_id, refused in ((task.id, (409, "task_closed")), (str(uuid4()), (404, "task_not_found"))):
        assert find_code(sqlite_desk.post("/v1/campaigns", "expert", task_id=task_id, **said)) == refused
