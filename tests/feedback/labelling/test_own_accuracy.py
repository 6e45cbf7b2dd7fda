"""How often somebody is right is told to them alone, and only once ten known answers say so."""

import pytest

from feedback.store.engine import unit_of_work
from feedback.store.tables import Reliability
from tests.databases import START
from tests.feedback.labelling.tasks import add_task

TOLD = {"accuracy": 0.8, "low": 0.6, "high": 0.9}


@pytest.mark.parametrize(("correct", "wrong", "told"), [(7, 2, None), (8, 2, TOLD), (0, 10, TOLD)])
def test_ten_known_answers_tell_somebody_how_often_they_are_right(desk, correct, wrong, told):
    task, _ = add_task(desk.engine)
    with unit_of_work(desk.engine) as session:
        counts = {"gold_correct": correct, "gold_wrong": wrong, "computed_at": START}
        session.add(
            Reliability(desk_id="default", kind="compare", labeller=desk.users["ann"], **TOLD, **counts)
        )
    assert [task["accuracy"] for task in desk.get("/v1/tasks", "ann").json["tasks"]] == [told]
    assert desk.get(f"/v1/tasks/{task.id}", "ann").json["accuracy"] == told
    assert desk.get(f"/v1/tasks/{task.id}", "ben").json["accuracy"] is None
