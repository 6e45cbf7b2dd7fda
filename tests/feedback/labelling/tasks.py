"""Tasks for tests: rows as filling leaves them, and people who label through the HTTP contract."""

from typing import Any
from uuid import uuid4

from sqlalchemy import Engine

from feedback.store import users
from feedback.store.engine import unit_of_work
from feedback.store.tables import Item, Task
from tests.databases import START
from tests.feedback.desk import Desk

SHOWN: dict[str, dict[str, Any]] = {
    "tag": {},
    "compare": {"a": "It is on its way.", "b": "No idea."},
    "pick": {"replies": ["One.", "Two.", "Three."]},
    "rate": {"reply": "It is on its way."},
    "rewrite": {"reply": "It is on its way."},
    "check": {"claim": {"tags": ["refund"]}},
}
QUESTIONS: dict[str, dict[str, Any]] = {"tag": {"tags": [], "options": ["billing", "billing/refund"]}}
ASKED = [{"role": "user", "content": "Where is my order 1042?"}]


def add_task(engine: Engine, kind: str = "compare", items: int = 3, **fields: Any) -> tuple[Task, list[Item]]:
    """An open task with items in the state in which filling leaves them."""
    asked = QUESTIONS.get(kind, {"text": ""})
    columns = {"name": f"{kind} {uuid4()}", "state": "open", "gold_share": 0.0, "question": asked, **fields}
    task = Task(
        desk_id="default",
        kind=kind,
        seed=7,
        created_by="eva",
        created_at=START,
        **columns,
    )
    made = [
        Item(
            desk_id="default",
            task_id=task.id,
            position=place,
            subject_kind="set",
            subject_id=f"subject {place}",
            conversation=f"conversation {place}",
            shown={"messages": ASKED, **SHOWN[kind]},
            tier=task.tier,
            created_at=START,
        )
        for place in range(1, items + 1)
    ]
    with unit_of_work(engine) as session:
        session.add(task)
        session.flush()
        session.add_all(made)
    return task, made


def add_people(desk: Desk, *names: str, role: str = "agent") -> list[str]:
    """Tokens of people who label; also kept in the desk under their names."""
    with unit_of_work(desk.engine) as session:
        for name in names:
            person = users.create_user(session, desk_id="default", name=name, role=role, now=START)
            desk.users[name] = person.id
            desk.tokens[name] = users.create_token(
                session, desk_id="default", name=name, role=role, now=START, user_id=person.id
            )
    return list(names)


def take(desk: Desk, task: Task, who: str) -> str | None:
    """The item that somebody gets next."""
    answer = desk.post(f"/v1/tasks/{task.id}/next", who)
    assert answer.status_code == 200, answer.text
    item_id: str | None = answer.json["item_id"]
    return item_id


def say(desk: Desk, item_id: str, who: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The answer to a label that is taken, a moment after the one before: labels count in order."""
    desk.clock.advance(0.001)
    answer = desk.post(f"/v1/items/{item_id}/labels", who, value=value, **more)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json
    return told
