"""Rows of `import`, and the rows that an import added. Keyword-only, session first, no commit. What an upload
goes through before it is imported is in `feedback/store/uploads.py`.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, func, or_, select, update
from sqlmodel import Session, col

from feedback.clock import still_runs
from feedback.store.derived_records import renew_items
from feedback.store.engine import batched, of_desk, save_row
from feedback.store.erasures import ErasedSubject
from feedback.store.helper_subjects import CONVERSATION, RECORD, forget_subjects
from feedback.store.shown_items import drop_items, items_of_conversations, items_of_records
from feedback.store.tables import (
    Conversation,
    Draft,
    Import,
    Item,
    Label,
    Message,
    Record,
    SuggestionSet,
    TagDecision,
    Thumb,
    Turn,
)

RUNNING, DONE = "running", "done"
IMPORT_UNDONE = "import_undone"
INTERRUPTED = "interrupted"  # by name_state only
UNSEEN_FOR = timedelta(minutes=2)  # after which nobody is at work on an import any more


def add_import(
    session: Session, *, desk_id: str, file: str, source: str | None, size: int = 0, now: datetime
) -> Import:
    """Adds the row of an import that begins."""
    row = Import(desk_id=desk_id, file=file, source=source, size=size, seen_at=now, created_at=now)
    save_row(session, row)
    return row


def keep_import(session: Session, *, import_id: str, done: int, now: datetime) -> bool:
    """Notes how far an import is. False if it is not to go on: somebody has cancelled or undone it."""
    going_on = update(Import).where(
        col(Import.id) == import_id, col(Import.state) == RUNNING, col(Import.undone_at).is_(None)
    )
    result = session.connection().execute(going_on.values(done=done, seen_at=now))
    return result.rowcount == 1


def leave_import(session: Session, *, import_id: str) -> None:
    """Notes that nobody works on an import any more."""
    session.connection().execute(update(Import).where(col(Import.id) == import_id).values(seen_at=None))


def finish_import(session: Session, *, import_id: str, counts: dict[str, Any], now: datetime) -> bool:
    """Notes what an import came to. False if somebody has cancelled or undone it at the last moment."""
    row = session.get_one(Import, import_id, with_for_update=True)
    if row.state != RUNNING or row.undone_at is not None:
        return False
    row.counts, row.finished_at, row.state, row.done = counts, now, DONE, row.size
    session.add(row)
    return True


def name_state(row: Import, *, now: datetime) -> str:
    """The state of an import as people are told it: one that nobody works on any more is interrupted."""
    if row.undone_at is not None:
        return row.state if row.state == "cancelled" else "undone"
    at_work = row.state in (RUNNING, "cancelling")
    unseen = row.seen_at is None or not still_runs(row.seen_at + UNSEEN_FOR, now=now, term=UNSEEN_FOR)
    return INTERRUPTED if at_work and unseen else row.state


def select_imports(session: Session, *, desk_id: str, limit: int = 100) -> list[Import]:
    """The imports of a desk, newest first."""
    query = of_desk(Import, desk_id).order_by(col(Import.created_at).desc(), col(Import.id)).limit(limit)
    return list(session.exec(query))


def find_imports(session: Session, *, desk_id: str, start: str) -> list[Import]:
    """The imports whose id begins like this."""
    query = of_desk(Import, desk_id).where(col(Import.id).startswith(start, autoescape=True))
    return list(session.exec(query))


def find_added(session: Session, *, row: Import) -> ErasedSubject:
    """What an import added and is still as it came: its records, and its conversations that nobody has worked
    on since. Tombstones are not among them: they keep what was erased from coming in again.
    """
    added = select(col(Record.id)).where(col(Record.import_id) == row.id, col(Record.erased_at).is_(None))
    ids = [id for id in session.scalars(added.order_by(col(Record.id))) if id is not None]
    untouched = _talks(row).where(*(~exists().where(touched) for touched in _touched(row)))
    return ErasedSubject(list(session.scalars(untouched.order_by(col(Conversation.id)))), ids)


def count_kept(session: Session, *, row: Import) -> int:
    """The conversations of an import that people have worked on since."""
    return (
        session.scalar(
            select(func.count()).select_from(
                _talks(row).where(or_(*(exists().where(touched) for touched in _touched(row)))).subquery()
            )
        )
        or 0
    )


def _talks(row: Import) -> Select[str]:
    return select(col(Conversation.id)).where(
        col(Conversation.import_id) == row.id, col(Conversation.erased_at).is_(None)
    )


def _touched(row: Import) -> list[ColumnElement[bool]]:
    """How a row of another table tells that somebody has worked on a conversation."""
    own = col(Conversation.id)
    said = select(col(Message.id)).where(col(Message.conversation_id) == own).correlate(Conversation)
    shown = select(col(Item.id)).where(col(Item.conversation_id) == own).correlate(Conversation)
    later = col(Message.created_at) > (row.finished_at or datetime.max.replace(tzinfo=UTC))
    return [
        col(Turn.conversation_id) == own,
        col(SuggestionSet.conversation_id) == own,
        col(Draft.conversation_id) == own,
        col(TagDecision.conversation_id) == own,
        col(Label.item_id).in_(shown),
        col(Thumb.message_id).in_(said),
        (col(Message.conversation_id) == own) & later,
    ]


def remove_added(session: Session, *, added: ErasedSubject) -> None:
    """Removes rows that `find_added` found, and takes the items that show them from their tasks."""
    for ids in batched(added.conversations):
        drop_items(session, items_of_conversations(ids), reason=IMPORT_UNDONE)
        forget_subjects(session, kind=CONVERSATION, ids=ids)
        session.execute(delete(Message).where(col(Message.conversation_id).in_(ids)))
        session.execute(delete(Conversation).where(col(Conversation.id).in_(ids)))
    for rows in batched(added.records):
        items = items_of_records(rows)
        drop_items(session, items, reason=IMPORT_UNDONE)
        renew_items(session, which=col(Item.id).in_(items))
        forget_subjects(session, kind=RECORD, ids=[str(row) for row in rows])
        session.execute(delete(Record).where(col(Record.id).in_(rows)))


def mark_undone(session: Session, *, row: Import, now: datetime) -> None:
    row.undone_at = now
    session.add(row)
