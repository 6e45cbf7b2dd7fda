"""What tests of campaigns share: starting one, and picks about something, as rows and through the API."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlmodel import Session

from feedback.store.tables import DEFAULT_DESK, Record
from tests.databases import START
from tests.feedback.desk import Desk, put_set

NUMBERS = count()


def start(desk: Desk, **said: Any) -> str:
    """Starts a campaign about refunds that wants forty picks in ten days; gives its id."""
    told = {"name": "Refunds", "tags": ["refund"], "target": 40} | said
    told.setdefault("ends_at", (desk.clock.now() + timedelta(days=10)).isoformat())
    answer = desk.post("/v1/campaigns", "expert", **told)
    assert answer.status_code == 201, answer.text
    return str(answer.json["campaign_id"])


def show(desk: Desk, campaign_id: str) -> dict[str, Any]:
    answer = desk.get(f"/v1/campaigns/{campaign_id}", "expert")
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def add_pick(session: Session, *, tags: list[str], at: datetime = START, **columns: Any) -> None:
    """The record of a pick of a suggested reply."""
    number = str(next(NUMBERS))
    told = {"winner": "tuned", "settled": "pick", "rejection": None, "given": "pick"} | columns
    names = {"identity": number, "origin_id": number, "conversation": "a", "source": "live", "body": {}}
    row = Record(
        desk_id=DEFAULT_DESK, kind="choice", origin_kind="judgement", created_at=at, tags=tags, **names
    )
    for name, value in told.items():
        setattr(row, name, value)
    session.add(row)


def pick_about(desk: Desk, *tags: str, index: int = 0, **fields: Any) -> dict[str, Any]:
    """A customer asks, and the agent picks a card."""
    opened = desk.open(tags=list(tags), **fields)
    prompt = [{"role": "user", "content": "Where is my order 1042?"}]
    put_set(desk.engine, opened["turn_id"], messages=prompt)
    shown = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
    answer = desk.pick(shown, index)
    assert answer.status_code == 201, answer.text
    return opened
