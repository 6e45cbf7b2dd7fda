"""Rows of the helper for tests: requests to it, and a task in which it labelled beside people."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from feedback.store.engine import save_row
from feedback.store.tables import HelperCall, HelperLabel, Task
from tests.feedback.builders import DESK
from tests.feedback.labelling.label_rows import add_labelled, add_task

SECRET = "what it said of an item"
# Of forty items, what people and the helper said: half of everybody's are a, so kappa is (0.85 - 0.5) / 0.5.
SEVENTY = [("a", "a")] * 17 + [("b", "b")] * 17 + [("a", "b"), ("b", "a")] * 3


def add_call(
    session: Session,
    *,
    at: datetime,
    state: str = "ok",
    error: str | None = None,
    tokens: int = 25,
    **fields: Any,
) -> HelperCall:
    """A request that reserved 900 tokens."""
    told = {"use": "compare", "version": 1, "host": "judge.example", "model": "judge", "key": "k"}
    told |= {"request": [{"role": "user", "content": SECRET}], "answer": SECRET}
    row = HelperCall(
        desk_id=DESK,
        state=state,
        error=error,
        day=at.date().isoformat(),
        reserved=900,
        tokens=tokens,
        cost=tokens / 1_000,
        created_at=at,
        finished_at=at,
        answered_by="judge-1" if state == "ok" else None,
        **told | fields,
    )
    return save_row(session, row)


def add_helped_task(session: Session, *, at: datetime) -> Task:
    """Forty items that ann and ben agreed on, forty answers of the helper, one more on which it abstained; a
    request of today and one of yesterday.
    """
    task = add_task(session)
    items = add_labelled(session, task, *(2 * people for people, _ in SEVENTY), "aa")
    for item, side in zip(items, [*(said for _, said in SEVENTY), None], strict=True):
        item.settled_at = at
        row = HelperLabel(
            desk_id=DESK,
            task_id=task.id,
            item_id=item.id,
            asked="judge.example/judge",
            model="judge-1",
            state="said" if side else "abstained",
            value={"side": side, "note": SECRET} if side else None,
            created_at=at,
        )
        session.add(row)
    add_call(session, at=at)
    add_call(session, at=at - timedelta(days=1))
    return task
