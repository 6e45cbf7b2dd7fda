"""What a judgement costs the store, in SQL statements: agents wait for each of them."""

import pytest
from sqlalchemy import event


@pytest.fixture
def statements(desk):
    seen = []

    def note(connection, cursor, statement, *rest):
        seen.append(statement)

    event.listen(desk.engine, "before_cursor_execute", note)
    yield seen
    event.remove(desk.engine, "before_cursor_execute", note)


# token, conversation's lock, scene; message, set, turn, judgement, record, event. SQLite's BEGIN is one more;
# the driver of PostgreSQL sends its own along with the first statement.
@pytest.mark.parametrize(("kind", "most"), [("pick", 9), ("own", 9), ("none", 6), ("skip", 7)])
def test_a_judgement_takes_few_statements(desk, statements, kind, most):
    _, shown = desk.open_ready()
    given = {"pick": {"candidate_id": shown["candidates"][0]["candidate_id"]}, "own": {"text": "By hand."}}
    statements.clear()
    assert desk.judge(shown, kind, "admin", **given.get(kind, {})).status_code == 201
    begun = [statement for statement in statements if statement.startswith("BEGIN")]
    assert begun == (["BEGIN IMMEDIATE"] if desk.engine.dialect.name == "sqlite" else [])
    assert len(statements) - len(begun) == most
