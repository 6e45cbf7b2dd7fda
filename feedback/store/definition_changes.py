"""Rows of `change`: who changed what the desk has defined, when and why. Rows are only ever added."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col

from feedback.store.engine import of_desk, save_row
from feedback.store.tables import DefinitionChange


def add_definition_change(
    session: Session,
    *,
    desk_id: str,
    kind: str,
    key: str,
    what: Mapping[str, Any],
    actor: str,
    reason: str,
    now: datetime,
) -> DefinitionChange:
    row = DefinitionChange(
        desk_id=desk_id, kind=kind, key=key, what=dict(what), actor=actor, reason=reason, created_at=now
    )
    return save_row(session, row)


def list_definition_changes(
    session: Session, *, desk_id: str, kind: str, key: str | None = None, limit: int = 100
) -> Sequence[DefinitionChange]:
    """The changes of all things of a kind, or of one of them, newest first."""
    query = of_desk(DefinitionChange, desk_id).where(col(DefinitionChange.kind) == kind)
    if key is not None:
        query = query.where(col(DefinitionChange.key) == key)
    return session.exec(query.order_by(col(DefinitionChange.id).desc()).limit(limit)).all()
