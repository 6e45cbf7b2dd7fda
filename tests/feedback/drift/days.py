"""Six weeks of a small desk, written straight into a store, the same each day until something shifts."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, insert

from feedback.drift.shift import DAYS
from feedback.store.engine import unit_of_work
from feedback.store.tables import Adapter, Conversation, Deployment, Message, Record
from tests.feedback.builders import BASE_ID, DESK

ADAPTER = "tuned-20261001-1"
PER_DAY = 20
# Of PER_DAY conversations: in Chinese, tagged, thumbs down, picks for the adapter; characters of a text.
USUAL = {"zh": 1, "recall": 1, "down": 2, "tuned": 13, "reply": 100, "question": 40}
SHIFTED = {"zh": 15, "recall": 15, "down": 16, "tuned": 1, "reply": 260, "question": 160}


def fill_days(engine: Engine, today: datetime, *, shifted: int, also_today: bool = False) -> None:
    """The last `shifted` whole days before `today` are shifted; with `also_today`, that one, too."""
    rows: dict[type, list[dict[str, Any]]] = {Conversation: [], Message: [], Record: []}
    for back in range(DAYS, -1 if also_today else 0, -1):
        day = today - timedelta(days=back)
        _add_day(rows, day, SHIFTED if back <= shifted else USUAL)
    with unit_of_work(engine) as session:
        names = {"name": ADAPTER, "desk_id": DESK, "state": "live", "created_at": today}
        session.add(Adapter(**names, base_id=BASE_ID, manifest_sha256="f" * 64))
        session.flush()
        put = {"role": "live", "adapter": ADAPTER, "actor": "ada", "reason": "tried", "at": today}
        session.add(Deployment(desk_id=DESK, fencing_token=1, **put))
        for table, values in rows.items():
            session.execute(insert(table), values)


def _add_day(rows: dict[type, list[dict[str, Any]]], day: datetime, what: dict[str, int]) -> None:
    for number in range(PER_DAY):
        # From the first to the last moment of the day.
        at = (
            day + timedelta(days=number / PER_DAY)
            if number < PER_DAY - 1
            else day + timedelta(days=1, microseconds=-1)
        )
        conversation, usual = str(uuid4()), {"desk_id": DESK, "created_at": at}
        language = "zh-CN" if number < what["zh"] else "en"
        tags = ["vip", "recall"] if number < what["recall"] else ["vip"]
        told = {"id": conversation, "language": language, "tags": tags, "customer_details": [], "fields": []}
        rows[Conversation].append({**usual, **told})
        for position, (role, length) in enumerate((("customer", "question"), ("agent", "reply"))):
            text = "x" * (what[length] + number % 5)
            row = {"id": str(uuid4()), "conversation_id": conversation, "position": position, "role": role}
            rows[Message].append({**usual, **row, "text": text, "occurred_at": at, "retracted_at": None})
        # Erased or taken back: counts nowhere.
        gone = {"id": str(uuid4()), "conversation_id": conversation, "position": 2, "role": "agent"}
        rows[Message].append({**usual, **gone, "text": "y" * 900, "occurred_at": at, "retracted_at": at})
        of = {"kind": "choice", "source": "live", "conversation": conversation, "body": {}, "tags": []}
        thumb = {"origin_kind": "thumb", "given": "down" if number < what["down"] else "up", "agent": None}
        none = {"settled": None, "design": None, "winner": None}
        rows[Record].append({**usual, **of, **name_record(), **thumb, **none, "adapter": ADAPTER})
        picked = {"origin_kind": "judgement", "given": "pick", "settled": "pick", "agent": "ann"}
        for design, winner in (("2+2", "tuned" if number < what["tuned"] else "base"), ("2+1+1", "base")):
            seen = {"design": design, "winner": winner, "adapter": ADAPTER}
            rows[Record].append({**usual, **of, **name_record(), **picked, **seen})


def name_record() -> dict[str, str]:
    return {"identity": str(uuid4()), "origin_id": str(uuid4())}
