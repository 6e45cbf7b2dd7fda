"""Two answers for tests: a set whose agent sends both, and what the customer sees and says of them."""

from typing import Any

from feedback.store.tables import TwoAnswers
from tests.feedback.desk import Desk, put_set

TEXTS = ("We shall send it today.", "Look for yourself.", "Tomorrow at the latest.", "No idea.")
FIRST, SECOND = "first", "second"
ASKED = "Where is my lamp? Call +49 171 2345678."


def ask(desk: Desk, **fields: Any) -> dict[str, Any]:
    """A conversation whose set the agent looks at."""
    opened = desk.open(ASKED)
    put_set(
        desk.engine,
        opened["turn_id"],
        messages=[{"role": "user", "content": ASKED}],
        **{"texts": TEXTS, **fields},
    )
    shown = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
    return opened | {"shown": shown}


def send_both(desk: Desk, opened: dict[str, Any], at: tuple[int, ...] = (0, 2), **fields: Any):
    ids = [opened["shown"]["candidates"][place]["candidate_id"] for place in at]
    tie = {"candidate_id": ids[0], "candidate_ids": ids, "both": True} | fields
    return desk.judge(opened["shown"], "tie", **tie)


def offer(desk: Desk, **fields: Any) -> dict[str, Any]:
    """A conversation whose customer sees two answers."""
    opened = ask(desk, **fields)
    sent = send_both(desk, opened)
    assert sent.status_code == 201, sent.text
    desk.clock.advance(10)
    return opened | sent.json


def see(desk: Desk, opened: dict[str, Any], by: str | None = None) -> dict[str, str] | None:
    path = f"/v1/conversations/{opened['conversation_id']}/messages"
    answer = desk.get(path, by or opened["visitor_token"])
    assert answer.status_code == 200, answer.text
    offered: dict[str, str] | None = answer.json["two_answers"]
    return offered


def pick(desk: Desk, opened: dict[str, Any], answer: str, **fields: Any):
    message_id = fields.pop("message_id", None) or desk.row(TwoAnswers, answer=None).message_id
    path = f"/v1/conversations/{opened['conversation_id']}/two-answers"
    return desk.post(path, opened["visitor_token"], message_id=message_id, answer=answer, **fields)


def list_said(desk: Desk, opened: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["role"], each["text"]) for each in desk.messages(opened, opened["visitor_token"])]


def find_code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]
