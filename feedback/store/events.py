"""Idempotent writes: a client's event id is stored with what it said and what was answered.

The row goes in before the write it stands for, so that of two identical concurrent calls one waits for the
other (its unique key) and then finds the stored answer. Refusals raise, roll everything back and leave no
event.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from feedback.errors import EventConflict
from feedback.store.session import of_desk
from feedback.store.tables import Event

Answer = tuple[int, dict[str, Any]]


class EventRaced(Exception):
    """Another transaction stored this event first: roll back and call `run_once` again."""


def hash_body(method: str, path: str, body: Any) -> str:
    """sha256 over method, path and the canonical JSON of the body."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(f"{method} {path}\n{canonical}".encode()).hexdigest()


def find_answer(
    session: Session, *, desk_id: str, event_id: str, body_hash: str, actor: str
) -> Answer | None:
    """The stored answer of a repeated event, None for a new one, EventConflict for an id used for
    something else.
    """
    row = session.exec(of_desk(Event, desk_id).where(Event.event_id == event_id)).one_or_none()
    if row is None:
        return None
    if row.body_hash != body_hash or row.actor != actor:
        raise EventConflict(event_id)
    return row.status, row.answer


def run_once(
    session: Session,
    *,
    desk_id: str,
    event_id: str,
    body_hash: str,
    actor: str,
    now: datetime,
    write: Callable[[], Answer],
) -> Answer:
    """Answer of the stored event, else of `write`, stored in the same transaction. The caller commits."""
    stored = find_answer(session, desk_id=desk_id, event_id=event_id, body_hash=body_hash, actor=actor)
    if stored is not None:
        return stored
    row = Event(
        desk_id=desk_id,
        event_id=event_id,
        body_hash=body_hash,
        actor=actor,
        status=0,
        answer={},
        created_at=now,
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise EventRaced(event_id) from error
    row.status, row.answer = write()
    session.add(row)
    return row.status, row.answer
