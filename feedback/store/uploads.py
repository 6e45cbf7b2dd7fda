"""What an upload goes through, as states of its row of `import`:

    receiving -> received -> ready -> waiting -> running -> done | failed
    until it runs -> cancelled; running -> cancelling -> cancelled; received -> failed

Keyword-only, session first, no commit. How a running import keeps its row is in `feedback/store/imports.py`.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from feedback.errors import Conflict
from feedback.store.engine import get_row, save_row
from feedback.store.imports import DONE, INTERRUPTED, RUNNING, name_state
from feedback.store.tables import Import

RECEIVING, RECEIVED, READY, WAITING = "receiving", "received", "ready", "waiting"
FAILED, CANCELLING, CANCELLED = "failed", "cancelling", "cancelled"
ARRIVED = (RECEIVED, READY, FAILED)  # all pieces are there, and it may be that their sender does not know
BEFORE = (RECEIVING, RECEIVED, READY, WAITING)  # nothing of it is in the store yet
UNREADABLE = ("nothing_recognised", "columns_missing", "upload_gone")  # why no second try helps
KEPT_FOR = timedelta(days=1)  # an upload that nobody imports or repeats


class ImportStateWrong(Conflict):
    def __init__(self, import_id: str, state: str, wanted: str) -> None:
        super().__init__(
            "import_state",
            f"Import {import_id} is {state}; this needs one that is {wanted}.",
            "GET /v1/imports/<import_id> says how it stands.",
        )


def add_upload(
    session: Session,
    *,
    desk_id: str,
    file: str,
    size: int,
    source: str | None,
    asked: dict[str, Any],
    actor: str,
    now: datetime,
) -> Import:
    """Adds the row of a file that somebody begins to send."""
    return save_row(
        session,
        Import(
            desk_id=desk_id,
            file=file,
            size=size,
            source=source,
            asked=asked,
            actor=actor,
            state=RECEIVING,
            seen_at=now,
            created_at=now,
        ),
    )


def get_import(session: Session, *, desk_id: str, import_id: str, lock: bool = False) -> Import:
    return get_row(session, Import, import_id, desk_id=desk_id, what="import", lock=lock)


def require_state(row: Import, *states: str, now: datetime) -> str:
    """The state of an import; raises ImportStateWrong if it is none of these."""
    state = name_state(row, now=now)
    if state not in states:
        raise ImportStateWrong(row.id, state, " or ".join(states))
    return state


def list_waiting_imports(session: Session) -> list[str]:
    """The imports of all desks that wait to be looked at or imported, the oldest first."""
    waits = col(Import.state).in_((RECEIVED, WAITING))
    return list(session.exec(select(Import.id).where(waits).order_by(col(Import.created_at))))


def note_received(session: Session, *, row: Import, done: int, now: datetime) -> bool:
    """Notes how much has been received; returns whether that is all."""
    row.done, row.seen_at = max(row.done, done), now
    row.state = RECEIVED if row.done == row.size else RECEIVING
    save_row(session, row)
    return row.state == RECEIVED


def settle_look(session: Session, *, import_id: str, error: str | None) -> None:
    """After a look at the file: it can be imported, or why it cannot. A cancelled one stays cancelled."""
    looked = update(Import).where(col(Import.id) == import_id, col(Import.state) == RECEIVED)
    session.connection().execute(looked.values(state=FAILED if error else READY, error=error))


def ask_start(session: Session, *, row: Import, is_looked_at: bool, now: datetime) -> None:
    """Has an import begin, or one that was interrupted or has failed begin again: with the look at its file,
    if nobody has seen one yet.
    """
    if not may_repeat(row, now=now):
        require_state(row, READY, now=now)
    row.state, row.error = (WAITING if is_looked_at else RECEIVED), None
    save_row(session, row)


def may_repeat(row: Import, *, now: datetime) -> bool:
    """Whether another try at an import may do better than the last one."""
    state = name_state(row, now=now)
    return state == INTERRUPTED or (state == FAILED and row.error not in UNREADABLE)


def begin_import(session: Session, *, import_id: str, now: datetime) -> bool:
    """Begins an import that waits; False if it does not, or not any more."""
    waiting = update(Import).where(col(Import.id) == import_id, col(Import.state) == WAITING)
    result = session.connection().execute(waiting.values(state=RUNNING, done=0, seen_at=now))
    return result.rowcount == 1


def fail_import(session: Session, *, import_id: str, error: str) -> None:
    session.connection().execute(
        update(Import).where(col(Import.id) == import_id).values(state=FAILED, error=error)
    )


def ask_cancel(session: Session, *, row: Import, now: datetime) -> bool:
    """Cancels an import; returns whether it is over. One that runs stops after its present batch."""
    state = require_state(row, *BEFORE, RUNNING, now=now)
    row.state = CANCELLING if state == RUNNING else CANCELLED
    save_row(session, row)
    return row.state == CANCELLED


def settle_cancelled(session: Session, *, import_id: str) -> None:
    session.connection().execute(update(Import).where(col(Import.id) == import_id).values(state=CANCELLED))


def drop_stale_uploads(session: Session, *, now: datetime) -> None:
    """Cancels uploads of all desks that nobody has imported for a day."""
    before = col(Import.state).in_(BEFORE)
    for row in session.exec(select(Import).where(before, col(Import.created_at) < now - KEPT_FOR)):
        if not is_upload_wanted(row, now=now):
            row.state = CANCELLED
            session.add(row)


def list_wanted_uploads(session: Session, *, now: datetime) -> set[str]:
    """The imports of all desks whose files may still be read."""
    query = select(Import).where(
        col(Import.state).not_in((DONE, CANCELLED)),
        col(Import.undone_at).is_(None),
        col(Import.actor).is_not(None),
    )
    return {row.id for row in session.exec(query) if is_upload_wanted(row, now=now)}


def is_upload_wanted(row: Import, *, now: datetime) -> bool:
    return max(row.created_at, row.seen_at or row.created_at) > now - KEPT_FOR
