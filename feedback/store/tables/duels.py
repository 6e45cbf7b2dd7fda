"""The table of blind duels between two contenders; the items of its task are the rounds."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index
from sqlmodel import Field

from feedback.store.tables.columns import DeskRow, declare, json_column, time_column


class Duel(DeskRow, table=True):
    """A blind comparison with a rival, or with base: drawing -> open -> closed, or failed."""

    __table_args__ = (
        Index("ix_duel_state", "desk_id", "state"),
        declare(
            "name state sampling base_id template_hash error lease_owner created_by closed_by rebase_id arm "
            "task_id"
        ),
    )

    name: str
    adapter: str = Field(foreign_key="adapter.name", index=True)  # the adapter whose support rate is measured
    rival: str | None = Field(default=None, foreign_key="adapter.name")
    state: str = "drawing"  # drawing | open | closed | failed
    wanted: int
    # Decides the prompts, the sides and the seeds of all replies; secret while the duel is judged.
    seed: int = Field(sa_column=Column(BigInteger(), nullable=False))
    sampling: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    base_id: str = ""
    template_hash: str = ""
    error: str | None = None  # why it failed, or what it waits for while it is generated
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    created_by: str
    created_at: datetime = Field(sa_column=time_column())
    opened_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    closed_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    closed_by: str | None = None
    rebase_id: str | None = Field(default=None, index=True)  # without a key: SQLite adds none to such a table
    # The arm whose support rate is measured: new_base | new_tuned. `adapter` is then trained on the new base.
    arm: str | None = None
    # The task whose items are the rounds. Without a key, as above.
    task_id: str = Field(default="", index=True)
