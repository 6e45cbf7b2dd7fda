"""Makes writes idempotent: a client's event id is stored with the request and its answer.

The row is inserted last, in the transaction of the write. Its unique key lets one of two identical writes
through; the other is rolled back and gets the stored answer from `find_answer`, like any repetition. A
refused write raises, is rolled back and leaves no event.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlmodel import Session, col

from feedback.errors import EventConflict
from feedback.store.tables import Event, new_id

Answer = tuple[int, dict[str, Any]]

_ADD = insert(Event.__table__)  # type: ignore[attr-defined]
_FIND = select(col(Event.body_hash), col(Event.actor), col(Event.status), col(Event.answer)).where(
    col(Event.desk_id) == bindparam("desk_id"), col(Event.event_id) == bindparam("event_id")
)


@dataclass(frozen=True)
class IdempotentWrite:
    """A client's write: its event id, its sender and its content."""

    desk_id: str
    event_id: str
    body_hash: str
    actor: str


def hash_body(method: str, path: str, body: Any) -> str:
    """sha256 over method, path and the canonical JSON of the body."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(f"{method} {path}\n{canonical}".encode()).hexdigest()


def find_answer(session: Session, *, said: IdempotentWrite) -> Answer | None:
    """The stored answer of a repeated event, None for a new one. EventConflict if the event was another."""
    key = {"desk_id": said.desk_id, "event_id": said.event_id}
    row = session.connection().execute(_FIND, key).one_or_none()
    if row is None:
        return None
    if row.body_hash != said.body_hash or row.actor != said.actor:
        raise EventConflict(said.event_id)
    return row.status, row.answer


def store_answer(session: Session, *, said: IdempotentWrite, answer: Answer, now: datetime) -> None:
    """Stores the answer of an event. IntegrityError if it was stored meanwhile: roll back and look it up."""
    status, body = answer
    row = {
        "id": new_id(),
        "desk_id": said.desk_id,
        "event_id": said.event_id,
        "body_hash": said.body_hash,
        "actor": said.actor,
        "status": status,
        "answer": body,
        "created_at": now,
    }
    session.connection().execute(_ADD, row)
