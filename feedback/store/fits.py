"""Queries over fits: one for each adapter, written by the trainer alone."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from feedback.store.engine import of_desk, save_row
from feedback.store.tables import Adapter, Fit


def find_fit(session: Session, *, desk_id: str, adapter: str) -> Fit | None:
    """The fit of an adapter; None before the first, and after an erasure that concerned it."""
    row = session.exec(of_desk(Fit, desk_id).where(Fit.adapter == adapter)).one_or_none()
    return row if row is not None and row.value else None


def list_fitted(session: Session, *, desk_id: str) -> list[str]:
    """All adapters that may have something to fit."""
    return list(session.exec(select(Adapter.name).where(Adapter.desk_id == desk_id)))


def write_fit(
    session: Session, *, desk_id: str, adapter: str, judgements: int, value: dict[str, Any], now: datetime
) -> None:
    row = session.exec(of_desk(Fit, desk_id).where(Fit.adapter == adapter)).one_or_none()
    row = row or Fit(desk_id=desk_id, adapter=adapter, judgements=0, value={}, at=now)
    row.judgements, row.value, row.at = judgements, value, now
    save_row(session, row)
