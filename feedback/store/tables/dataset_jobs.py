"""The table of what is done about datasets in the background: builds that somebody asked for, and checks."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from feedback.store.tables.columns import DeskRow, declare, json_column, text_column, time_column


class DatasetJob(DeskRow, table=True):
    """One build or check of a dataset. The process that works on it holds its lease."""

    __tablename__ = "dataset_job"
    __table_args__ = (
        Index("ix_dataset_job_dataset", "desk_id", "dataset_id"),
        declare("kind state selection note step refusals error actor lease_owner", faults=None),
    )

    kind: str  # build | check
    state: str = "waiting"  # waiting -> running -> done | failed; waiting, cancelling -> cancelled
    selection: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())  # of a build
    note: str | None = Field(default=None, sa_column=text_column(nullable=True))  # why it is built
    dataset_id: str | None = Field(default=None, foreign_key="dataset.id")  # of a build, once it is done
    is_new: bool | None = None  # of a build: whether no dataset had this content before
    step: str | None = None  # reading, or writing one of the files
    done: int = 0  # records of this step
    total: int = 0
    refusals: dict[str, int] = Field(default_factory=dict, sa_column=json_column())  # where nothing was left
    # What a check found, as feedback/datasets/check.py writes it; null before it is over.
    faults: list[dict[str, Any]] | None = Field(default=None, sa_column=json_column(nullable=True))
    error: str | None = None  # why it failed
    actor: str
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    created_at: datetime = Field(sa_column=time_column(index=True))
    finished_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
