"""Rows of `helper_subject`: whose texts a call of the helper holds that is about no item. Erasure finds the
call by them. Keyword-only, session first, no commit.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, select, update
from sqlmodel import Session, col

from feedback.records.item_states import DROPPED
from feedback.store.engine import batched, leave_out, of_desk
from feedback.store.tables import Conversation, HelperCall, HelperSubject, Item, Record

CONVERSATION, RECORD, ITEM = "conversation", "record", "item"


class CallSubject(NamedTuple):
    """By what erasure finds the texts of a training record, and the record's name in lineage."""

    kind: str
    id: str
    name: str


def add_subjects(session: Session, *, call: HelperCall, subjects: Sequence[CallSubject]) -> None:
    for kind, id, name in subjects:
        named = {"subject_kind": kind, "subject_id": id, "name": name}
        session.add(HelperSubject(desk_id=call.desk_id, call_id=call.id, **named))
    session.flush()


def hold_subject(session: Session, *, desk_id: str, subject: CallSubject) -> bool:
    """Whether the texts are still there; nobody erases them before the transaction ends."""
    if subject.kind == ITEM:
        query = select(col(Item.id)).where(col(Item.id) == subject.id, col(Item.state) != DROPPED)
        return (
            session.scalar(query.where(col(Item.desk_id) == desk_id).with_for_update(key_share=True))
            is not None
        )
    table: Any = Record if subject.kind == RECORD else Conversation
    id = int(subject.id) if subject.kind == RECORD else subject.id
    query = select(table.id).where(table.id == id, table.desk_id == desk_id, table.erased_at.is_(None))
    return session.scalar(query.with_for_update(key_share=True)) is not None


def is_about(kind: str, ids: Any) -> ColumnElement[bool]:
    """The query condition for a call that holds texts of one of these."""
    named = col(HelperSubject.subject_kind) == kind, col(HelperSubject.subject_id).in_(ids)
    return col(HelperCall.id).in_(select(col(HelperSubject.call_id)).where(*named))


def list_calls_about(
    session: Session, *, desk_id: str, use: str, states: Sequence[str], limit: int | None = None
) -> list[tuple[HelperCall, tuple[str, ...]]]:
    """The calls of a use that were not erased, newest first, each with the names of its records."""
    is_whole = col(HelperCall.key) != "", col(HelperCall.state).in_(states)
    calls = of_desk(HelperCall, desk_id).where(HelperCall.use == use, *is_whole)
    newest = calls.order_by(col(HelperCall.created_at).desc(), col(HelperCall.id)).limit(limit)
    found = session.exec(newest.options(*leave_out([HelperCall.request]))).all()
    names: dict[str, list[str]] = {}
    for ids in batched([call.id for call in found]):
        query = select(col(HelperSubject.call_id), col(HelperSubject.name))
        named = query.where(col(HelperSubject.call_id).in_(ids)).order_by(col(HelperSubject.name))
        for call_id, name in session.execute(named):
            names.setdefault(call_id, []).append(name)
    return [(call, tuple(names[call.id])) for call in found if call.id in names]


def forget_subjects(session: Session, *, kind: str, ids: Sequence[str]) -> None:
    """Takes the texts out of calls about what is removed, since no erasure would find them afterwards."""
    emptied = HelperCall.__table__.info["erased"]  # type: ignore[attr-defined]
    session.execute(update(HelperCall).where(is_about(kind, ids)).values(**emptied))
    gone = col(HelperSubject.subject_kind) == kind, col(HelperSubject.subject_id).in_(ids)
    session.execute(delete(HelperSubject).where(*gone))
