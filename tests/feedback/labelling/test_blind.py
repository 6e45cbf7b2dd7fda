"""A labeller receives the same bytes whatever others said, whoever wrote a reply, and why an item came."""

import re

import pytest

from feedback.store.engine import unit_of_work
from feedback.store.tables import Item
from tests.feedback.labelling.tasks import SHOWN, add_task, take

UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
OTHERS = {
    "tag": ({"tags": []}, {"tags": ["billing"]}),
    "compare": ({"side": "a"}, {"side": "both_bad"}),
    "pick": ({"picked": [0, 1]}, {"none": True}),
    "rate": ({"score": 1}, {"score": 5}),
    "rewrite": ({"unchanged": True}, {"unchanged": False}),
    "check": ({"verdict": "good"}, {"verdict": "bad"}),
}


def answer_item(desk, item_id, who, value):
    """The bytes of the answer to a label. The clock stands, so that each lease begins at one time."""
    text = {"text": "It will be there on Friday."} if value.get("unchanged") is False else {}
    answer = desk.post(f"/v1/items/{item_id}/labels", who, value=value, **text)
    assert answer.status_code == 201, answer.text
    return answer.data


def receive(desk, kind, *, said=None, hidden=None, gold=None):
    """All that ann receives until she has labelled two items, without random ids and headers."""
    task, items = add_task(desk.engine, kind, items=3, name="One", overlap_min=2)
    with unit_of_work(desk.engine) as session:
        for each in items:
            row = session.get_one(Item, each.id)
            row.hidden = hidden or {}
            row.gold = gold if each is items[1] else None
    if said is not None:
        for _ in range(2):
            answer_item(desk, take(desk, task, "ben"), "ben", said)
    told = [desk.get(f"/v1/tasks/{task.id}", "ann").data]
    for _ in range(2):
        claimed = desk.post(f"/v1/tasks/{task.id}/next", "ann")
        item_id = claimed.json["item_id"]
        told += [claimed.data, desk.get(f"/v1/items/{item_id}", "ann").data]
        told.append(answer_item(desk, item_id, "ann", OTHERS[kind][0]))
    desk.post(f"/v1/tasks/{task.id}/state", "eva", state="closed")
    return [UUID.sub(b"id", each) for each in told]


@pytest.mark.parametrize("kind", SHOWN)
def test_neither_arms_nor_others_answers_change_a_byte(sqlite_desk, kind):
    plain = receive(sqlite_desk, kind)
    arms = [{"a_arm": "base", "b_arm": "tuned"}, {"a_arm": "tuned", "b_arm": "base"}]
    for hidden in arms:
        assert receive(sqlite_desk, kind, hidden=hidden) == plain
    assert len(plain) == 7 and b"tuned" not in b"".join(plain)
    one, other = (receive(sqlite_desk, kind, said=said) for said in OTHERS[kind])
    assert one == other


@pytest.mark.parametrize("kind", ["tag", "compare", "pick", "rate", "check"])
def test_an_item_whose_answer_is_known_looks_like_any_other(sqlite_desk, kind):
    """It comes at another place; what is shown of it, and of the task, has the same fields. The counts are by
    one lower: in a task with a share of 0 nobody gets the gold.
    """
    plain, gold = (receive(sqlite_desk, kind, gold=gold) for gold in (None, OTHERS[kind][0]))
    assert [sorted(re.findall(rb'"(\w+)":', each)) for each in plain] == [
        sorted(re.findall(rb'"(\w+)":', each)) for each in gold
    ]
    assert plain[0].replace(b'"waiting":3', b'"waiting":2') == gold[0]
    assert plain[1].replace(b'"left":3', b'"left":2') == gold[1]
