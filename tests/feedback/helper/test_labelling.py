"""The helper labels beside people: what it is asked, what it says, and that nobody receives a byte of it."""

import json
import re

import pytest
from sqlmodel import select

from feedback.helper.labelling import HelperLabeller
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import HelperCall, HelperLabel, HelperTrust, Item, Label, Reliability, Task
from tests.feedback.helper.scripted import completion, make_helper, scripted, trusted_in
from tests.feedback.labelling.tasks import add_task

UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ON_ITS_WAY = "It is on its way."
VALUES = {
    "tag": {"tags": ["billing"]},
    "compare": {"side": "b"},
    "rate": {"score": 2},
    "check": {"verdict": "good"},
}
TEXT = {"reply": "No.", "claim": {"unchanged": False, "text": ON_ITS_WAY}}


def read_material(body):
    return json.loads(body["messages"][1]["content"])


def prefer(body):
    """A model that reads: the reply that helps, wherever it stands; tags and texts all right."""
    fields = body["response_format"]["json_schema"]["schema"]["properties"]
    if "side" in fields:
        return completion({"side": "a" if read_material(body)["a"] == ON_ITS_WAY else "b"})
    if "score" in fields:
        return completion({"score": 5 if read_material(body)["reply"] == ON_ITS_WAY else 1})
    return completion({"tags": ["billing/refund"]} if "tags" in fields else {"verdict": "good"})


def help_with(desk, address, *task_ids, **settings):
    helper = make_helper(desk.engine, desk.clock, address.address, **settings)
    labeller = HelperLabeller(store_engine=desk.engine, helper=helper, clock=desk.clock)
    for task_id in task_ids:
        labeller.work(task_id)
    labeller.close()


def list_said(engine):
    with read(engine) as session:
        rows = session.exec(
            select(HelperLabel).join(Item, Item.id == HelperLabel.item_id).order_by(Item.position)
        ).all()
    return [(row.state, row.value) for row in rows]


def make_task(desk, kind, items=3, **fields):
    task, made = add_task(desk.engine, kind, items=items, name="One", **fields)
    if kind == "check":
        with unit_of_work(desk.engine) as session:
            for item in made:
                row = session.get_one(Item, item.id)
                row.shown = {"messages": row.shown["messages"], **TEXT}
    return task


def receive(desk, kind, address=None):
    """All that ann receives until she has labelled two items; the helper labels before each."""
    task = make_task(desk, kind)
    told = [desk.get(f"/v1/tasks/{task.id}", "ann").data]
    for _ in range(2):
        if address is not None:
            help_with(desk, address, task.id)
        claimed = desk.post(f"/v1/tasks/{task.id}/next", "ann")
        item_id = claimed.json["item_id"]
        told += [claimed.data, desk.get(f"/v1/items/{item_id}", "ann").data]
        answer = desk.post(f"/v1/items/{item_id}/labels", "ann", value=VALUES[kind])
        assert answer.status_code == 201, answer.text
        told += [answer.data, desk.get("/v1/tasks", "ann").data]
    desk.post(f"/v1/tasks/{task.id}/state", "eva", state="closed")
    return [UUID.sub(b"id", each) for each in told]


@pytest.mark.parametrize("kind", VALUES)
def test_with_and_without_a_helper_people_receive_the_same_bytes(sqlite_desk, kind):
    plain = receive(sqlite_desk, kind)
    with scripted(prefer) as address:
        assert receive(sqlite_desk, kind, address) == plain
        assert address.asked
    assert [state for state, _ in list_said(sqlite_desk.engine)] == ["said"] * 3
    with read(sqlite_desk.engine) as session:
        labels, rows = session.exec(select(Label)).all(), session.exec(select(Reliability)).all()
        settled = session.exec(select(Item).where(Item.state == "settled")).all()
    assert len(labels) == 4 and {row.labeller for row in labels} == {row.labeller for row in labels[:1]}
    assert settled == [] and all(row.labeller != "helper" for row in rows)


def test_a_comparison_is_asked_in_both_orders_and_means_one_reply(sqlite_desk):
    task = make_task(sqlite_desk, "compare", items=1)
    with scripted(prefer) as address:
        help_with(sqlite_desk, address, task.id)
        shown = [read_material(body) for body in address.asked]
    assert [(each["a"], each["b"]) for each in shown] == [(ON_ITS_WAY, "No idea."), ("No idea.", ON_ITS_WAY)]
    assert list_said(sqlite_desk.engine) == [("said", {"side": "a"})]


@pytest.mark.parametrize("side", ["a", "b"])
def test_who_obeys_a_customer_s_answer_a_abstains(sqlite_desk, side):
    """Whoever picks a place, because it was told to or by habit, contradicts itself in the other order."""
    task = make_task(sqlite_desk, "compare", items=3)
    with scripted(lambda _: completion({"side": side})) as address:
        help_with(sqlite_desk, address, task.id)
    assert list_said(sqlite_desk.engine) == [("abstained", None)] * 3


def test_two_models_make_no_comparison(sqlite_desk):
    task = make_task(sqlite_desk, "compare", items=1)
    models = iter(["judge-1", "judge-2"])
    with scripted(lambda _: completion({"side": "tie"}, model=next(models))) as address:
        help_with(sqlite_desk, address, task.id)
    assert list_said(sqlite_desk.engine) == [("abstained", None)]


@pytest.mark.parametrize(("said", "told"), [("tie", {"side": "tie"}), ("both_bad", {"side": "both_bad"})])
def test_what_names_no_place_is_the_same_in_both_orders(sqlite_desk, said, told):
    task = make_task(sqlite_desk, "compare", items=1)
    with scripted(lambda _: completion({"side": said})) as address:
        help_with(sqlite_desk, address, task.id)
    assert list_said(sqlite_desk.engine) == [("said", told)]


def test_invented_tags_leave_an_item_to_people_for_good(sqlite_desk):
    """Both items show one text: that it was not answered is known from the first."""
    task = make_task(sqlite_desk, "tag", items=2)
    with scripted(*[completion({"tags": ["hacked"]})] * 2) as address:
        for _ in range(2):
            help_with(sqlite_desk, address, task.id)
        assert len(address.asked) == 2
    assert list_said(sqlite_desk.engine) == [("unanswered", None)] * 2


def test_one_who_is_not_sure_of_a_text_abstains(sqlite_desk):
    task = make_task(sqlite_desk, "check", items=1)
    with scripted(completion({"verdict": "unsure"})) as address:
        help_with(sqlite_desk, address, task.id)
        assert read_material(address.asked[0])["text"] == ON_ITS_WAY
    assert list_said(sqlite_desk.engine) == [("abstained", None)]


def test_what_waits_for_the_budget_or_the_address_is_asked_later(sqlite_desk):
    task = make_task(sqlite_desk, "tag", items=1)
    with scripted((401, {}), completion({"tags": []})) as address:
        help_with(sqlite_desk, address, task.id, daily_tokens=1)
        assert address.asked == [] and list_said(sqlite_desk.engine) == []
        help_with(sqlite_desk, address, task.id)
        assert list_said(sqlite_desk.engine) == []
        help_with(sqlite_desk, address, task.id)
    assert list_said(sqlite_desk.engine) == [("said", {"tags": []})]


def test_no_model_judges_its_own_replies_but_it_may_tag(sqlite_desk):
    """`base` is the name under which the engine here serves."""
    compare, tag = make_task(sqlite_desk, "compare", items=1), make_task(sqlite_desk, "tag", items=1)
    with scripted(prefer) as address:
        help_with(sqlite_desk, address, compare.id, tag.id, model="base")
        assert [body["model"] for body in address.asked] == ["base"]
    assert list_said(sqlite_desk.engine) == [("said", {"tags": ["billing/refund"]})]


def test_it_helps_in_open_tasks_of_its_uses_that_ask_everybody(sqlite_desk):
    asked = make_task(sqlite_desk, "tag", items=1)
    for fields in ({"state": "draft"}, {"state": "closed"}, {"tier": 2}, {"tier": 0}, {"assigned": ["ann"]}):
        make_task(sqlite_desk, "tag", items=1, **fields)
    make_task(sqlite_desk, "compare", items=1)
    with scripted(prefer) as address:
        helper = make_helper(sqlite_desk.engine, sqlite_desk.clock, address.address, uses=["tag"])
        labeller = HelperLabeller(store_engine=sqlite_desk.engine, helper=helper, clock=sqlite_desk.clock)
        labeller.sweep()
        labeller._jobs.wait()
        labeller.close()
    with read(sqlite_desk.engine) as session:
        rows = session.exec(select(HelperLabel)).all()
        assert [row.task_id for row in rows] == [asked.id]
        assert session.get_one(Task, asked.id).state == "open"
        assert [call.item_id for call in session.exec(select(HelperCall))] == [rows[0].item_id]


def test_an_old_answer_from_the_cache_is_no_change_of_the_model(sqlite_desk):
    """Behind one name another model answers; then an item shows a text that the first one answered."""
    models = iter(["judge-1", "judge-2"])
    texts = ["Where is it?", "Where are they?", "Where is it?"]
    task, made = add_task(sqlite_desk.engine, "tag", items=3)
    with unit_of_work(sqlite_desk.engine) as session:
        for item, text in zip(made, texts, strict=True):
            row = session.get_one(Item, item.id)
            row.shown, row.conversation = {"messages": [{"role": "user", "content": text}]}, "c"
        session.add(trusted_in(task.id, "judge-2"))
    with scripted(
        lambda _: sqlite_desk.clock.advance(1) or completion({"tags": []}, model=next(models))
    ) as address:
        help_with(sqlite_desk, address, task.id)
    with read(sqlite_desk.engine) as session:
        labels = session.exec(select(HelperLabel).join(Item).order_by(Item.position)).all()
        assert [row.model for row in labels] == ["judge-1", "judge-2", "judge-1"]
        assert [row.is_trusted for row in session.exec(select(HelperTrust))] == [True]
