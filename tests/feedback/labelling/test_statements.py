"""What a labeller's calls cost the store, in SQL statements: they wait for each of them."""

import pytest
from sqlalchemy import event

from tests.feedback.labelling.tasks import add_people, add_task, take


@pytest.fixture
def statements(desk):
    """What is asked of the store but the BEGIN of SQLite: the driver of PostgreSQL sends its own along."""
    seen = []

    def note(connection, cursor, statement, *rest):
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(desk.engine, "before_cursor_execute", note)
    yield seen
    event.remove(desk.engine, "before_cursor_execute", note)


def test_a_claim_takes_thirteen_statements(desk, statements):
    """Token, task, pause, own claim, what they got; free items, the first one's lock, whether it still is
    free, who has it, claim; what they got, what is left, event.
    """
    task, _ = add_task(desk.engine, items=30)
    statements.clear()
    assert take(desk, task, "ann") is not None
    assert len(statements) == 13


def test_a_label_takes_seventeen_statements(desk, statements):
    """Token, claim, task, item, claim once the item is held, the number of earlier labels, label, claim;
    labels of the item, who of their labellers is paused, who is left out, their accuracies; the labeller's
    reliability, how much they said; what they got, what is left, event.
    """
    task, _ = add_task(desk.engine, items=30)
    item_id = take(desk, task, "ann")
    statements.clear()
    assert desk.post(f"/v1/items/{item_id}/labels", "ann", value={"side": "a"}).status_code == 201
    assert len(statements) == 17


def test_the_list_of_tasks_takes_as_many_statements_for_nine_tasks_as_for_one(desk, statements):
    """Token, tasks, what they got, what is left, their reliability: 5; an expert's has the items and the
    labels of all tasks, too: 7.
    """
    add_people(desk, "cy")
    for more in (1, 8):
        for _ in range(more):
            add_task(desk.engine, items=2)
        for who, most in (("cy", 5), ("eva", 7)):
            statements.clear()
            assert desk.get("/v1/tasks", who).status_code == 200
            assert len(statements) == most
