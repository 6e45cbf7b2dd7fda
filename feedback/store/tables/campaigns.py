"""The table of campaigns: what a team collects on purpose, how much of it and until when."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from feedback.store.tables.columns import DeskRow, declare, json_column, time_column


class Campaign(DeskRow, table=True):
    """Picks with some tags or in some languages are collected: open -> ended -> open, while its time runs."""

    __table_args__ = (
        Index("ix_campaign_state", "desk_id", "state"),
        declare("name state tags languages asks created_by ended_by"),
    )

    name: str
    state: str = "open"  # open | ended
    tags: list[str] = Field(default_factory=list, sa_column=json_column())  # any of them; empty: every tag
    languages: list[str] = Field(default_factory=list, sa_column=json_column())  # likewise
    target: int  # usable picks
    ends_at: datetime = Field(sa_column=time_column())
    asks: str = "nothing"  # what its customers may get: nothing | question | two_answers
    question_task_id: str | None = Field(default=None, foreign_key="task.id")  # which only it asks for
    task_id: str | None = Field(default=None, foreign_key="task.id")  # of labelling, which it fills
    created_by: str
    created_at: datetime = Field(sa_column=time_column())
    ended_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    ended_by: str | None = None
