"""The table of changes of the base model."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from feedback.store.tables.columns import DeskRow, declare, json_column, time_column


class Rebase(DeskRow, table=True):
    """A move to another base: open -> switching -> switched -> returning -> returned, or cancelled."""

    __table_args__ = (
        Index("ix_rebase_state", "desk_id", "state"),
        declare("state base_model base_id serving old_base_model old_base_id old_role arm actor reason"),
    )

    state: str = "open"
    base_model: str  # a folder or hub name, as it is written into the settings
    base_id: str
    serving: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())  # as chosen for this base
    old_base_model: str
    old_base_id: str
    old_adapter: str | None = Field(default=None, foreign_key="adapter.name")  # null: the old base alone
    old_role: str | None = None  # canary | live
    run_id: str | None = Field(default=None, foreign_key="run.id")
    arm: str | None = None  # what was switched to: new_tuned | new_base
    actor: str  # of the last change of its state
    reason: str
    created_at: datetime = Field(sa_column=time_column())
    changed_at: datetime = Field(sa_column=time_column())
